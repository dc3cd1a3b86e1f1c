// SpindleEngine
