import SpindlePlugins

/// The levels of isolation, each with its sidecar.
enum Level: String, CaseIterable, Sendable {
    case worker
    case inProcess = "in-process"

    /// Writes the sidecar of the plugin `zoo`.
    func prepare(_ workspace: Workspace, _ more: String = "") throws {
        try workspace.addZoo()
        let permission = self == .inProcess ? "allowInProcess: true\n" : ""
        try workspace.write("isolation: \(rawValue)\n\(permission)\(more)", to: "zoo.yaml")
    }
}
