import Glibc
import Testing

@testable import SpindlePlugins

/// How a host makes room for groups below its own; plain files stand for the kernel's.
@Suite struct ControlGroupTests {
    private let workspace: Workspace
    private var group: String { "\(workspace.plugins)" }

    init() throws {
        workspace = try Workspace()
        try #require(mkdir("\(group)/\(ControlGroups.hostGroup)", 0o755) == 0)
        try workspace.write("", to: "\(ControlGroups.hostGroup)/cgroup.procs")
    }

    @Test("a process that is alone in its group moves below it")
    func alone() throws {
        try workspace.write("\(getpid())\n", to: "cgroup.procs")
        #expect(ControlGroups.moveAside(in: group))
        #expect(SmallFile.text("\(group)/\(ControlGroups.hostGroup)/cgroup.procs") == "\(getpid())")
    }

    @Test("one that is not alone stays, because others are not its to move", arguments: ["1\n", ""])
    func others(_ first: String) throws {
        try workspace.write(first.isEmpty ? "" : "\(first)\(getpid())\n", to: "cgroup.procs")
        #expect(!ControlGroups.moveAside(in: group))
        #expect(SmallFile.text("\(group)/\(ControlGroups.hostGroup)/cgroup.procs") == "")
    }

    @Test("groups of a worker that was killed are gone when its processes are")
    func removal() throws {
        let empty = "\(workspace.state)/empty"
        try #require(mkdir(empty, 0o755) == 0)
        ControlGroups.remove([empty, "\(workspace.state)/absent"])
        #expect(access(empty, F_OK) != 0)
    }
}
