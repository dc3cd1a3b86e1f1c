/// A binary heap whose smallest element comes first. Here, because Core has no dependencies.
struct OrderedHeap<Element: Comparable & Sendable>: Sendable {
    private var elements: [Element]

    var count: Int { elements.count }
    var first: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child] < elements[parent] else { return }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        let last = elements.removeLast()
        guard !elements.isEmpty else { return }
        elements[0] = last
        var parent = 0
        while true {
            var smallest = parent
            let left = 2 * parent + 1
            for child in left..<(left + 2) where child < elements.count && elements[child] < elements[smallest] {
                smallest = child
            }
            guard smallest != parent else { return }
            elements.swapAt(parent, smallest)
            parent = smallest
        }
    }

    /// Takes elements in any order: a sorted array is a heap.
    init(_ elements: [Element] = []) { self.elements = elements.sorted() }
}

/// An execution in the order of a key, and of ids among equals.
struct OrderedExecution: Comparable, Sendable {
    let key: Int64
    let id: ExecutionID

    static func < (left: Self, right: Self) -> Bool { (left.key, left.id) < (right.key, right.id) }
}

/// Executions in the order of a key. Entries that no longer hold stay in the heap until they come up.
struct LazyOrder: Sendable {
    private var heap = OrderedHeap<OrderedExecution>()
    private var live: [ExecutionID: Int64] = [:]

    /// Places an execution that is not here.
    mutating func insert(_ key: Int64, _ id: ExecutionID) {
        live[id] = key
        heap.insert(OrderedExecution(key: key, id: id))
    }

    /// Takes an execution out. Rebuilds the heap when most of it no longer holds, so that it stays in proportion.
    mutating func remove(_ id: ExecutionID) {
        live[id] = nil
        guard heap.count > 64 + 2 * live.count else { return }
        heap = OrderedHeap(live.map { OrderedExecution(key: $0.value, id: $0.key) })
    }

    /// The first execution.
    var first: OrderedExecution? {
        mutating get {
            while let first = heap.first {
                if live[first.id] == first.key { return first }
                heap.removeFirst()
            }
            return nil
        }
    }
}
