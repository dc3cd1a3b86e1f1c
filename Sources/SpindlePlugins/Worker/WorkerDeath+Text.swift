import Glibc

extension WorkerDeath {
    /// What happened, in a few words.
    var text: String {
        if let protocolError { return protocolError }
        guard let status = waitStatus else { return "its supervisor ended" }
        let number = status & 0x7F
        if number == 0 { return "exited with status \((status >> 8) & 0xFF)" }
        var text = "ended by \(SignalName.of(number))"
        if let crash, crash.signal == number, number == SIGSEGV || number == SIGBUS {
            text += " at address 0x\(String(crash.faultAddress, radix: 16))"
        }
        return text
    }

    /// The same, with the place in the code if that is known.
    var full: String {
        guard let crash, waitStatus.map({ $0 & 0x7F == crash.signal }) == true else { return text }
        return "\(text) in \(place(crash.instruction))"
    }

    /// The raw facts as JSON.
    var details: String? {
        guard let status = waitStatus else { return nil }
        let number = status & 0x7F
        guard number != 0 else { return "{\"exitStatus\":\((status >> 8) & 0xFF)}" }
        var text = "{\"signal\":\"\(SignalName.of(number))\""
        if let crash {
            text += ",\"faultAddress\":\"0x\(String(crash.faultAddress, radix: 16))\""
            text += ",\"instruction\":\"\(Self.quoted(place(crash.instruction)))\""
        }
        return text + "}"
    }

    /// One line for each frame, the innermost first: where it lies, and the function if that is known.
    var stackTrace: String? {
        guard let crash, !crash.frames.isEmpty else { return nil }
        return crash.frames.enumerated().map { "#\($0) \(place($1))" }.joined(separator: "\n")
    }

    /// An address as an offset into what was loaded there, as `addr2line` takes it.
    func place(_ address: UInt64) -> String { places[address] ?? "0x\(String(address, radix: 16))" }

    /// Names of functions are the plugin's own words.
    private static func quoted(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
}

/// Names of signals.
enum SignalName {
    private static let names: [Int32: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV",
        SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
        SIGSYS: "SIGSYS",
    ]

    /// For instance `SIGSEGV`.
    static func of(_ number: Int32) -> String { names[number] ?? "signal \(number)" }
}
