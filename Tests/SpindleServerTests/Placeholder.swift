// SpindleServerTests
