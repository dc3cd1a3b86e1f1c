// SpindleSQLite
