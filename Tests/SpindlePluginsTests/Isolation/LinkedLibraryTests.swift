import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// A plugin that is linked with a library outside of the system gets that library, and not what lies beside it.
@Suite(.timeLimit(.minutes(5)))
struct LinkedLibraryTests {
    private let escape: EscapeRig
    /// A directory with a library, a link to it, and a file that is nobody's library.
    private let directory: String

    init() throws {
        escape = try EscapeRig()
        directory = "\(escape.workspace.path)/lib"
        try #require(chmod(escape.workspace.path, 0o755) == 0 && mkdir(directory, 0o755) == 0)
        try escape.workspace.write("int spindle_side(void) { return 7; }", to: "../lib/side.c", mode: 0o644)
        let library = ["cc", "-shared", "-fPIC", "\(directory)/side.c", "-Wl,-soname,libside.so.1"]
        try #require(Workspace.run(library + ["-o", "\(directory)/libside.so.1.0"]) == 0)
        try #require(symlink("libside.so.1.0", "\(directory)/libside.so.1") == 0)
        try escape.workspace.write("a secret", to: "../lib/secret", mode: 0o644)
    }

    private func link() throws {
        let flags = ["-Wl,--no-as-needed", "\(directory)/libside.so.1", "-Wl,-rpath,\(directory)"]
        try escape.workspace.compile("escape", as: "escape", flags: flags)
    }

    @Test("the library is there, its directory is not", .enabled(if: Sandbox.refusal == nil))
    func sandbox() async throws {
        try link()
        try await escape.with("isolation: sandbox\n") { rig in
            try await escape.expect("reached", rig, "read", ["path": "\(directory)/libside.so.1"])
            try await escape.expect("refused", rig, "write", ["path": "\(directory)/libside.so.1"])
            try await escape.expect("ENOENT", rig, "read", ["path": "\(directory)/secret"])
        }
        // It could be read.
        try await escape.with("isolation: worker\n") { rig in
            try await escape.expect("reached", rig, "read", ["path": "\(directory)/secret"])
        }
    }

    @Test("files that are libraries, with the links to them")
    func paths() {
        func paths(_ needed: [String], known: [String] = []) -> [String] {
            LinkedLibraries(of: ElfImage(needed: needed, runPaths: ["lib", "/absent", directory]), known: known).paths
        }
        #expect(paths(["libside.so.1", "libc.so.6"]) == ["\(directory)/libside.so.1", "\(directory)/libside.so.1.0"])
        #expect(paths(["secret", "side.c", "..", "../lib/secret", "absent.so"]) == [])
        #expect(paths(["libside.so.1"], known: [directory]) == [])
    }

    @Test("libraries of libraries, and none that others could have put there")
    func further() throws {
        let outer = ["cc", "-shared", "-fPIC", "\(directory)/side.c", "-Wl,--no-as-needed", "\(directory)/libside.so.1"]
        let options = ["-Wl,-rpath,$ORIGIN", "-o", "\(directory)/libouter.so"]
        try #require(Workspace.run(outer + options) == 0)
        let elf = ElfImage(needed: ["libouter.so"], runPaths: [directory])
        let all = ["libouter.so", "libside.so.1", "libside.so.1.0"].map { "\(directory)/\($0)" }
        #expect(LinkedLibraries(of: elf, known: []).paths == all)
        try #require(chmod(directory, 0o777) == 0)
        #expect(LinkedLibraries(of: elf, known: []).paths == [])
    }
}
