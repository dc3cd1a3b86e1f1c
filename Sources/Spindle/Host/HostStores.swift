import Glibc
import Logging
import SpindleCore
import SpindleSQLite

/// The three stores of a host, opened together.
struct HostStores: Sendable {
    let jobs: any JobStore & JobReader
    let logs: any LogStore
    let artefacts: any ArtefactStore
    private let sqlite: SQLiteJobStore?

    init(_ places: HostPlaces, readOnly: Bool, logger: Logger) throws {
        switch places.store {
        case .memory:
            jobs = MemoryJobStore()
            logs = MemoryLogStore()
            artefacts = MemoryArtefactStore()
            sqlite = nil
        case .sqlite(let path):
            if readOnly && access(path, F_OK) != 0 {
                guard errno == ENOENT else {
                    let reason = String(cString: strerror(errno))
                    throw SpindleError(.storeUnavailable, "The store \(path) cannot be read: \(reason).")
                }
                throw SpindleError(.storeUnavailable, "There is no store at \(path) yet; start a host with \"spindle serve\".")
            }
            let store = try SQLiteJobStore.open(path: path, readOnly: readOnly, logger: logger)
            sqlite = store
            jobs = readOnly ? ReadOnlyStore(base: store) : store
            logs = try SQLiteLogStore.open(path: "\(path)-logs", readOnly: readOnly, logger: logger)
            artefacts = FileArtefactStore(directory: "\(path)-artefacts")
        }
    }

    /// Commits what waits and gives up the lock.
    func close(_ logger: Logger) {
        do {
            try sqlite?.close()
        } catch {
            logger.warning("the store was not closed in order: \(error)")
        }
    }
}
