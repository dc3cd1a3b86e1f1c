// SpindleServer
