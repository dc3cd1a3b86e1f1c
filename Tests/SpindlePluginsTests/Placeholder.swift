// SpindlePluginsTests
