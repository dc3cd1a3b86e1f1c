import Glibc
import SpindleCore

/// The program `spindle-worker`, opened once, so that an upgrade cannot put another one in its place.
final class WorkerBinary: Sendable {
    /// Where it was found.
    let path: String
    /// The open program.
    let descriptor: Descriptor

    /// Opens the program at a path, or looks beside the running program and in `../libexec/spindle`.
    ///
    /// - Throws: ``SpindleError`` that names where it looked.
    init(configured path: String?) throws(SpindleError) {
        let candidates = path.map { [$0] } ?? Self.defaultPaths()
        for candidate in candidates {
            let number = open(candidate, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard number >= 0 else { continue }
            let opened = Descriptor(number)
            var status = stat()
            guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 else {
                continue
            }
            self.path = candidate
            // High, so that the descriptors of a worker (3 … 6) never collide with it.
            descriptor = try opened.duplicate(from: Spawner.leastDescriptor)
            return
        }
        throw SpindleError(
            .configuration,
            "The program spindle-worker was not found; looked for \(candidates.joined(separator: ", ")). Set plugins.workerPath in the configuration file."
        )
    }

    private static func defaultPaths() -> [String] {
        let size = Int(PATH_MAX)
        let program = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/exe", base, size - 1)
            guard count > 0 else { return nil }
            base[count] = 0
            return String(cString: base)
        }
        guard let program, let slash = program.lastIndex(of: "/") else { return [] }
        let directory = program[..<slash]
        return ["\(directory)/spindle-worker", "\(directory)/../libexec/spindle/spindle-worker"]
    }
}
