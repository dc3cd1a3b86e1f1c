// SpindleTests
