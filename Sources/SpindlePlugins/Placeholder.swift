// SpindlePlugins
