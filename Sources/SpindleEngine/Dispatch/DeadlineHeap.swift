import HeapModule
import SpindleCore

/// All deadlines of a host in one heap.
///
/// Entries of attempts that have ended stay until they are due or until the heap is mostly made of them; then it is rebuilt, so
/// that its size stays in proportion to what really runs.
package struct DeadlineHeap {
    enum Kind: UInt8 {
        /// The attempt's time is over.
        case timeout
        /// The grace after a cancel is over: its outcome is fixed now.
        case grace
    }

    struct Entry: Comparable {
        let at: Int64
        let kind: Kind
        let key: AttemptKey

        static func < (left: Self, right: Self) -> Bool { left.at < right.at }
        static func == (left: Self, right: Self) -> Bool { left.at == right.at }
    }

    private var heap = Heap<Entry>()
    /// Entries of ended attempts that are not worth a rebuild.
    package var slack = 4096

    package var count: Int { heap.count }
    var next: Int64? { heap.min?.at }

    mutating func insert(_ kind: Kind, _ key: AttemptKey, at: Int64) {
        heap.insert(Entry(at: at, kind: kind, key: key))
    }

    mutating func popDue(now: Int64) -> Entry? {
        guard let first = heap.min, first.at <= now else { return nil }
        return heap.removeMin()
    }

    /// Drops the entries of attempts that have ended, if they are the greater part.
    mutating func compact(live: Int, isLive: (AttemptKey) -> Bool) {
        guard heap.count > 2 * live + slack else { return }
        heap = Heap(heap.unordered.filter { isLive($0.key) })
    }
}
