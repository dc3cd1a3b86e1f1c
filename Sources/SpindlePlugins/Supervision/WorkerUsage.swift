import Glibc

/// What the processes of one worker take: init, the runner, and whatever the plugin has started.
struct WorkerUsage: Hashable, Sendable {
    /// Resident memory of all of them, in bytes; pages that they share count for each.
    var memory: Int64 = 0
    /// Processor time of those that live and of the children that they waited for, in microseconds.
    var processorTime: Int64 = 0
    var processes = 0
    /// Init was stopped by a signal: it can do nothing that it is told.
    var isInitStopped = false

    init() {}

    /// More processes than this are not looked at.
    static let maxProcesses = 4096

    /// Reads what the system says about a process and all below it. May take milliseconds; not for the loop's thread.
    ///
    /// - Parameter root: The init process of a worker.
    init(root: Int32) {
        for pid in [root] + Self.descendants(of: root) {
            guard let status = ProcessStatus(pid) else { continue }
            processes += 1
            memory = memory.addingReportingOverflow(status.memory).partialValue
            processorTime = processorTime.addingReportingOverflow(status.processorTime).partialValue
            if pid == root { isInitStopped = status.state == UInt8(ascii: "T") }
        }
    }

    /// Every process below one, the nearest first.
    static func descendants(of root: Int32) -> [Int32] {
        var found = ProcessStatus.children(of: root)
        var next = 0
        while next < found.count, found.count < maxProcesses {
            found += ProcessStatus.children(of: found[next])
            next += 1
        }
        return found
    }
}

/// One process, as `/proc` shows it.
struct ProcessStatus: Hashable, Sendable {
    /// `R`, `S`, `T` …
    var state: UInt8
    /// Resident memory in bytes.
    var memory: Int64
    /// Its own processor time and that of its waited-for children, in microseconds.
    var processorTime: Int64

    /// Nil if there is no such process any more.
    init?(_ pid: Int32) {
        guard let text = ProcFile.read("/proc/\(pid)/stat"),
            let status = Self(stat: text, ticks: Int64(sysconf(Int32(_SC_CLK_TCK))), page: Int64(sysconf(Int32(_SC_PAGESIZE))))
        else { return nil }
        self = status
    }

    /// Reads a line of `/proc/PID/stat`; the name in it may hold anything, so the fields are counted from behind the last parenthesis.
    ///
    /// - Parameters:
    ///   - ticks: A second of processor time.
    ///   - page: Bytes.
    init?(stat text: [UInt8], ticks: Int64, page: Int64) {
        guard let end = text.lastIndex(of: UInt8(ascii: ")")), ticks > 0 else { return nil }
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 21, let first = fields[0].first else { return nil }
        func number(_ index: Int) -> Int64 { Int64(String(decoding: fields[index], as: UTF8.self)).map { max($0, 0) } ?? 0 }
        state = first
        // Field 3 of proc(5) is our 0: utime, stime, cutime, cstime are 14 … 17, rss is 24.
        let spent = (11...14).reduce(Int64(0)) { $0.addingReportingOverflow(number($1)).partialValue }
        processorTime = (spent / ticks).multipliedReportingOverflow(by: 1_000_000).partialValue + spent % ticks * 1_000_000 / ticks
        memory = number(21).multipliedReportingOverflow(by: page).partialValue
    }

    /// The children of all threads of a process.
    static func children(of pid: Int32) -> [Int32] {
        var children: [Int32] = []
        for thread in ProcFile.numbers(in: "/proc/\(pid)/task") {
            guard let text = ProcFile.read("/proc/\(pid)/task/\(thread)/children") else { continue }
            children += text.split(separator: UInt8(ascii: " ")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
        }
        return children
    }
}

/// Small files that the system makes.
enum ProcFile {
    /// At most so many bytes of a file; nil if it is not there.
    static func read(_ path: String, limit: Int = 64 * 1024) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(number)
        // Most are small; the largest are read for every start of a worker.
        var bytes = [UInt8](repeating: 0, count: min(8192, limit))
        var count = 0
        while true {
            let got = bytes.withUnsafeMutableBytes { buffer in
                SystemCall.retrying { Glibc.read(file.number, buffer.baseAddress.map { $0 + count }, buffer.count - count) }
            }
            if got <= 0 { break }
            count += got
            guard count == bytes.count else { continue }
            if count >= limit { break }
            bytes.append(contentsOf: repeatElement(0, count: min(count, limit - count)))
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// The entries of a directory that are numbers.
    static func numbers(in path: String) -> [Int32] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var numbers: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers
    }
}
