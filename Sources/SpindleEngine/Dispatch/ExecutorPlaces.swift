import SpindleCore

/// The executors of a dispatcher by type: the last one of each takes new attempts, those before it end theirs. Pure.
struct ExecutorPlaces {
    private var byType: [[(number: UInt64, executor: any BatchExecutor)]] = []
    private var lastNumber: UInt64 = 0

    /// Adds an executor that takes the new attempts of its type from now on.
    mutating func add(_ executor: any BatchExecutor, type: Int) -> ExecutorRegistration {
        while byType.count <= type { byType.append([]) }
        lastNumber += 1
        byType[type].append((lastNumber, executor))
        return ExecutorRegistration(type: type, number: lastNumber)
    }

    /// Has an executor that is there take the new attempts again.
    ///
    /// - Returns: The executor; nil if it was removed.
    mutating func putLast(_ registration: ExecutorRegistration) -> (any BatchExecutor)? {
        guard let index = index(registration) else { return nil }
        let place = byType[registration.type].remove(at: index)
        byType[registration.type].append(place)
        return place.executor
    }

    /// The one that takes new attempts.
    func last(_ type: Int) -> ExecutorRegistration? {
        guard byType.indices.contains(type) else { return nil }
        return byType[type].last.map { ExecutorRegistration(type: type, number: $0.number) }
    }

    /// Forgets an executor.
    mutating func remove(_ registration: ExecutorRegistration) {
        if let index = index(registration) { byType[registration.type].remove(at: index) }
    }

    /// The executor; nil if it was removed.
    func executor(_ registration: ExecutorRegistration) -> (any BatchExecutor)? {
        index(registration).map { byType[registration.type][$0].executor }
    }

    /// Whether it is the one that takes new attempts.
    func isLast(_ registration: ExecutorRegistration) -> Bool {
        last(registration.type) == registration
    }

    /// The executor that takes new attempts of a type.
    func serving(_ type: Int) -> (any BatchExecutor)? { byType[type].last?.executor }

    /// All that may have attempts of a type.
    func all(_ type: Int) -> [any BatchExecutor] { byType[type].map(\.executor) }

    private func index(_ registration: ExecutorRegistration) -> Int? {
        byType[registration.type].firstIndex { $0.number == registration.number }
    }
}
