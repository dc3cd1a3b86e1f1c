import Synchronization

/// A store that keeps nothing when the process ends: for `spindle run`, for embedding and for tests.
///
/// All work is done at once inside one lock; every command and read behaves like that of a durable store.
public final class MemoryJobStore: JobStore, JobReader {
    let state = Mutex(MemoryJobStoreState())

    /// Begins empty.
    public init() {}

    public func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] { applyNow(batch) }

    /// Applies commands in order, without suspending.
    public func applyNow(_ batch: [StoreCommand]) -> [StoreOutcome] {
        state.withLock { state in batch.map { state.apply($0) } }
    }
}
