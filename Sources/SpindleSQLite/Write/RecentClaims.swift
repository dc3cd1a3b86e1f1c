internal import SpindleCore

/// The types of executions claimed lately. Only a hint that saves a read: whoever uses it has the row checked by the write.
struct RecentClaims {
    private static let limit = 16_384
    private var types: [ExecutionID: String] = [:]

    mutating func remember(_ id: ExecutionID, type: String) {
        if types.count >= Self.limit { types.removeAll(keepingCapacity: true) }
        types[id] = type
    }

    /// Gives the hint out once.
    mutating func take(_ id: ExecutionID) -> String? { types.removeValue(forKey: id) }
}
