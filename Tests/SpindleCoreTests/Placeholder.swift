// SpindleCoreTests
