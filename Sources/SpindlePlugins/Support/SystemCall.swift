import Glibc

/// Small helpers around system calls.
enum SystemCall {
    /// Repeats a call that a signal interrupted.
    static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// The system's words for an error number.
    static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress, strerror_r(code, base, 256) == 0 else { return "error \(code)" }
            return String(cString: base)
        }
    }

    /// The words for the last error of this thread.
    static var lastError: String { text(errno) }
}
