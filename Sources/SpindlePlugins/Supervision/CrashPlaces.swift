/// Where the addresses of a crash lie: in the plugin, by function if it has names, or in another library.
enum CrashPlaces {
    /// Names the addresses of a crash.
    ///
    /// - Parameters:
    ///   - image: The plugin.
    ///   - modules: What else its process had loaded.
    static func find(_ crash: CrashReport, image: SealedImage, modules: ModuleMap) -> [UInt64: String] {
        let symbols = ElfSymbols(bytes: image.bytes)
        let extent = symbols.extent
        var places: [UInt64: String] = [:]
        var inPlugin: [UInt64: UInt64] = [:]
        for address in [crash.instruction] + crash.frames {
            if crash.loadBase != 0, address >= crash.loadBase, address - crash.loadBase < extent,
                modules.isEmpty || modules.isPlugin(address)
            {
                inPlugin[address] = address - crash.loadBase
            } else if let place = modules.place(address) {
                places[address] = place
            }
        }
        // A return address may lie behind the function that called: the call is before it.
        func looked(_ address: UInt64) -> UInt64 { address == crash.instruction ? address : address &- 1 }
        let wanted = inPlugin.map { looked($0.key) &- crash.loadBase }
        let names = symbols.names(of: wanted)
        for (address, offset) in inPlugin {
            var place = "plugin+0x\(String(offset, radix: 16))"
            if let symbol = names[looked(address) &- crash.loadBase] {
                let behind = symbol.offset + (looked(address) == address ? 0 : 1)
                place += " (\(BacktraceText.cleaned(symbol.name))+0x\(String(behind, radix: 16)))"
            }
            places[address] = place
        }
        return places
    }
}

/// Texts of a backtrace.
enum BacktraceText {
    /// A name without what could mean something to a terminal.
    static func cleaned(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}

/// What a process had loaded, by address.
struct ModuleMap: Sendable {
    private struct Module {
        let start: UInt64
        var end: UInt64
        let name: String
    }

    private var modules: [Module] = []
    /// More are not looked at.
    private static let maxModules = 1024

    /// Knows nothing.
    init() {}

    /// Reads `/proc/PID/maps`. May take a moment.
    init(pid: Int32) { self.init(text: ProcFile.read("/proc/\(pid)/maps", limit: 1 << 20) ?? []) }

    /// Reads such a file.
    init(text: [UInt8]) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6 else { continue }
            let range = fields[0].split(separator: UInt8(ascii: "-"))
            guard range.count == 2, let start = UInt64(String(decoding: range[0], as: UTF8.self), radix: 16),
                let end = UInt64(String(decoding: range[1], as: UTF8.self), radix: 16), start < end
            else { continue }
            let path = fields[5].drop { $0 == UInt8(ascii: " ") }
            guard let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "[") else { continue }
            let name = String(decoding: path.split(separator: UInt8(ascii: "/")).last ?? path, as: UTF8.self)
            if let last = modules.indices.last, modules[last].name == name {
                modules[last].end = end
            } else if modules.count < Self.maxModules {
                modules.append(Module(start: start, end: end, name: name))
            }
        }
    }

    var isEmpty: Bool { modules.isEmpty }

    /// Whether an address lies in the plugin itself, or nowhere that is known: it may have been mapped since.
    func isPlugin(_ address: UInt64) -> Bool { module(address).map { $0.name.hasPrefix("memfd:spindle-plugin") } ?? true }

    /// For instance `libc.so.6+0x3bc`.
    func place(_ address: UInt64) -> String? {
        module(address).map { "\(BacktraceText.cleaned($0.name))+0x\(String(address - $0.start, radix: 16))" }
    }

    private func module(_ address: UInt64) -> Module? { modules.first { address >= $0.start && address < $0.end } }
}
