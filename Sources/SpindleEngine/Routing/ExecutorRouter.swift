package import SpindleCore
import Synchronization

/// Chooses the executor of a job: an explicit type wins; else the longest matching target prefix; else `canExecute`, asked in the
/// order of registration; else a permanent error that lists the types there are.
package final class ExecutorRouter: Sendable {
    private struct Entry {
        let executor: any JobExecutor
        let descriptor: ExecutorDescriptor
    }

    private struct Table {
        var entries: [Entry] = []
        var byType: [String: Int] = [:]
        /// Longest first; among equals the first registered.
        var prefixes: [(prefix: String, entry: Int)] = []

        mutating func index() {
            byType = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.descriptor.type, $0) })
            prefixes = entries.enumerated()
                .flatMap { index, entry in entry.descriptor.targetPrefixes.map { ($0.lowercased(), index) } }
                .sorted { ($0.0.utf8.count, $1.1) > ($1.0.utf8.count, $0.1) }
                .map { (prefix: $0.0, entry: $0.1) }
        }
    }

    private let table = Mutex(Table())

    /// Knows no executor yet.
    package init() {}

    /// Adds an executor, or replaces the one of its type.
    package func register(_ executor: any JobExecutor) {
        let entry = Entry(executor: executor, descriptor: executor.descriptor)
        table.withLock { table in
            if let index = table.byType[entry.descriptor.type] {
                table.entries[index] = entry
            } else {
                table.entries.append(entry)
            }
            table.index()
        }
    }

    /// Knows the executor of a type no longer.
    package func remove(type: String) {
        table.withLock { table in
            guard let index = table.byType[type] else { return }
            table.entries.remove(at: index)
            table.index()
        }
    }

    /// The types that are served here, in alphabetical order.
    package var types: [String] { table.withLock { $0.byType.keys.sorted() } }

    /// What the executors say about themselves, in the order of registration.
    package var descriptors: [ExecutorDescriptor] { table.withLock { $0.entries.map(\.descriptor) } }

    /// The executor's description for a job.
    ///
    /// - Throws: `noExecutor` if none can run it.
    package func route(_ job: Job) async throws(SpindleError) -> ExecutorDescriptor {
        if let known = try routeByName(job) { return known }
        let executors = table.withLock { $0.entries }
        for entry in executors where await entry.executor.canExecute(job) { return entry.descriptor }
        throw noExecutor("No executor can run the target \"\(job.target.prefix(200))\".")
    }

    /// The same without asking `canExecute`; nil if that would have to be asked.
    package func routeByName(_ job: Job) throws(SpindleError) -> ExecutorDescriptor? {
        if let type = job.executorType {
            if let descriptor = table.withLock({ table in table.byType[type].map { table.entries[$0].descriptor } }) {
                return descriptor
            }
            throw noExecutor("There is no executor of type \"\(type.prefix(128))\".")
        }
        let target = job.target.lowercased()
        return table.withLock { table in
            table.prefixes.first { target.hasPrefix($0.prefix) }.map { table.entries[$0.entry].descriptor }
        }
    }

    private func noExecutor(_ sentence: String) -> SpindleError {
        let known = types
        let list = known.isEmpty ? "none" : known.joined(separator: ", ")
        return SpindleError(
            .noExecutor,
            "\(sentence) Types served here: \(list). \"spindle plugins list\" says what became of each plugin."
        )
    }
}
