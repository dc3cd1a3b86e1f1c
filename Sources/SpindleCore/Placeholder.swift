// SpindleCore
