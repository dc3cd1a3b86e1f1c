// SpindleEngineTests
