import SpindleCore
import Testing

@testable import SpindlePlugins

/// Names of places in a backtrace.
@Suite(.timeLimit(.minutes(5)))
struct CrashPlacesTests {
    private static let maps = """
        5555-6000 r-xp 00000000 00:01 5                          /memfd:spindle-plugin (deleted)
        6000-7000 rw-p 00001000 00:01 5                          /memfd:spindle-plugin (deleted)
        8000-9000 rw-p 00000000 00:00 0
        a000-b000 r--p 00000000 08:01 9                          /lib/x86_64-linux-gnu/libc.so.6
        b000-c000 r-xp 00001000 08:01 9                          /lib/x86_64-linux-gnu/libc.so.6
        d000-e000 rw-p 00000000 00:00 0                          [heap]
        nonsense
        f-e r-xp 0 0 0 /backwards
        """

    @Test("an address lies in the library that is mapped there, counted from its first byte")
    func modules() {
        let map = ModuleMap(text: Array(Self.maps.utf8))
        #expect(map.place(0xBFFF) == "libc.so.6+0x1fff")
        #expect(map.place(0xC000) == nil && map.place(0x8500) == nil && map.place(0) == nil)
        #expect(map.place(0xD001) == "[heap]+0x1")
        #expect(map.isPlugin(0x6500) && !map.isPlugin(0xA000))
        // What was mapped since may be the plugin.
        #expect(map.isPlugin(0x8500))
        #expect(ModuleMap(text: []).isEmpty)
    }

    @Test("a crash in a function names it, and other libraries by theirs")
    func named() async throws {
        let workspace = try Workspace()
        try workspace.addZoo()
        try await Rig.with(workspace) { rig in
            let crash = try #require(try await rig.run(rig.request("serial", "crash")).result)
            #expect(
                crash.stackTrace?.firstMatch(of: /plugin\+0x[0-9a-f]+ \(behave\+0x[0-9a-f]+\)/) != nil,
                "\(crash.stackTrace ?? "")"
            )
            #expect(crash.details?.contains("(behave+0x") == true)
            let abort = try #require(try await rig.run(rig.request("serial", "abort")).result)
            #expect(abort.stackTrace?.contains("libc.so.6+0x") == true, "\(abort.stackTrace ?? "")")
            #expect(abort.stackTrace?.contains("(behave+0x") == true, "\(abort.stackTrace ?? "")")
        }
    }

    @Test("without names the offsets are left")
    func stripped() async throws {
        let workspace = try Workspace()
        try workspace.compile("zoo", as: "zoo", flags: ["-s"])
        try await Rig.with(workspace) { rig in
            let crash = try #require(try await rig.run(rig.request("serial", "crash")).result)
            #expect(crash.stackTrace?.contains("plugin+0x") == true)
            #expect(crash.stackTrace?.contains("(behave") == false)
        }
    }

    @Test("symbols of a damaged image give nothing or something, never a trap")
    func damaged() throws {
        let workspace = try Workspace()
        try workspace.compile("zoo", as: "zoo")
        let whole = try #require(ProcFile.read("\(workspace.plugins)/zoo.so", limit: 1 << 20))
        let random = SeededRandomSource(seed: 11)
        func look(_ bytes: [UInt8]) -> [UInt64: ElfSymbols.Symbol] {
            bytes.withUnsafeBytes { raw in
                let symbols = ElfSymbols(bytes: raw)
                return symbols.extent > 0 ? symbols.names(of: (0..<64).map { UInt64($0) * 97 + 0x1000 }) : [:]
            }
        }
        #expect(look(whole).values.contains { $0.name == "behave" })
        for cut in [0, 3, 63, 64, 100, whole.count / 2, whole.count - 1] { _ = look(Array(whole.prefix(cut))) }
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<8 {
                // Mostly where the headers are: at the beginning and at the end.
                let place = Int(random.next() % 4096)
                bytes[random.next() % 2 == 0 ? min(place, bytes.count - 1) : max(0, bytes.count - 1 - place)] = UInt8(
                    truncatingIfNeeded: random.next()
                )
            }
            for (address, symbol) in look(bytes) {
                #expect(symbol.offset <= address && symbol.name.utf8.count <= 3 * ElfSymbols.longestName)
            }
        }
    }
}
