import Glibc

@testable import SpindlePlugins

/// The levels of isolation, each with its sidecar.
enum Level: String, CaseIterable, Sendable {
    case worker
    case inProcess = "in-process"
    case sandbox
    case oneShot = "one-shot"

    /// Those that this machine gives to this user; for the others `SandboxRefusalTests` tests what is said.
    static let allCases: [Level] = [.worker, .inProcess] + (Sandbox.refusal == nil ? [.sandbox, .oneShot] : [])

    /// How many attempts are many; with a process for each, fewer.
    var many: Int { self == .oneShot ? 100 : 1000 }

    /// Writes the sidecar of the plugin `zoo`.
    func prepare(_ workspace: Workspace, _ more: String = "") throws {
        try workspace.addZoo()
        let permission = self == .inProcess ? "allowInProcess: true\n" : ""
        // It asks for 1 GiB at once, which without control groups counts whether it is used or not.
        let memory = self == .sandbox || self == .oneShot ? "needs: {memory: 4GiB}\n" : ""
        try workspace.write("isolation: \(rawValue)\n\(permission)\(memory)\(more)", to: "zoo.yaml")
    }
}

/// The sandbox of this machine: the same question as `spindle doctor` asks.
enum Sandbox {
    static let support = Result { SandboxSupport(binary: try WorkerBinary(configured: Workspace.worker)) }

    /// Why there is none; nil if there is one.
    static let refusal: String? = {
        guard let support = try? support.get() else { return "there is no worker" }
        guard case .refused(let reason) = support.outcome(support.layers()) else { return nil }
        return reason
    }()

    static let isRoot = geteuid() == 0
}
