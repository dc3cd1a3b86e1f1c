// SpindleStoreTests
