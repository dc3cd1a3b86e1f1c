import HeapModule
import SpindleCore

/// Claimed executions that wait for a slot, lowest rank first; among equal ranks the oldest id.
package struct ReadyQueue {
    struct Entry: Comparable {
        let rank: Int64
        let id: ExecutionID

        static func < (left: Self, right: Self) -> Bool {
            left.rank != right.rank ? left.rank < right.rank : left.id < right.id
        }
    }

    private var heap = Heap<Entry>()

    package var count: Int { heap.count }
    package var isEmpty: Bool { heap.isEmpty }

    mutating func push(_ id: ExecutionID, rank: Int64) { heap.insert(Entry(rank: rank, id: id)) }
    mutating func pop() -> ExecutionID? { heap.popMin()?.id }
    mutating func removeAll() -> [ExecutionID] {
        defer { heap = Heap() }
        return heap.unordered.map(\.id)
    }
}
