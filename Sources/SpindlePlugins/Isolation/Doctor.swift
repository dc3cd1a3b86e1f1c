import Glibc
import SpindleCore

/// Tries every layer of a sandbox in a process that is thrown away, started as workers are.
public enum Doctor {
    private struct Trial {
        let name: String
        let layers: SandboxLayers
        let promise: String
        var isRequired = true
    }

    /// Examines this machine for the user that runs this.
    ///
    /// - Parameter workerPath: The program `spindle-worker`; nil looks beside the running program and in `../libexec/spindle`.
    /// - Throws: ``SpindleError`` if there is no worker program.
    public static func examine(workerPath: String? = nil) async throws -> DoctorReport {
        let binary = try WorkerBinary(configured: workerPath)
        return try await Blocking.run { examineNow(SandboxSupport(binary: binary)) }
    }

    static func examineNow(_ support: SandboxSupport) -> DoctorReport {
        var report = DoctorReport(user: geteuid(), landlock: 0, layers: [], levels: [])
        for trial in trials(isRoot: support.isRoot) {
            var layer = DoctorReport.Layer(name: trial.name, available: true, required: trial.isRequired, note: trial.promise)
            switch support.outcome(trial.layers.union(.test)) {
            case .given(let text): report.landlock = Int(text.split(separator: " ").last ?? "") ?? 0
            case .refused(let reason): (layer.available, layer.note) = (false, reason)
            }
            if trial.name == "Landlock", layer.available { layer.note += landlockNote(report.landlock) }
            report.layers.append(layer)
        }
        report.layers += groups(support)
        report.levels = levels(support)
        return report
    }

    private static func trials(isRoot: Bool) -> [Trial] {
        let base: SandboxLayers = isRoot ? [] : .user
        let user =
            isRoot
            ? Trial(name: "own user", layers: .ids, promise: "each plugin has a user of its own; root cannot be had back")
            : Trial(name: "user namespace", layers: .user, promise: "rights to make the other namespaces, and none outside")
        return [
            user,
            Trial(
                name: "PID namespace",
                layers: base.union(.pid),
                promise: "other processes cannot be named; all of a worker end with it, whatever they do"
            ),
            Trial(
                name: "mount namespace",
                layers: base.union([.pid, .mount]),
                promise: "only the system's libraries and what is granted can be seen; /tmp is its own"
            ),
            Trial(name: "network namespace", layers: base.union(.net), promise: "no network but what is granted, of no kind"),
            Trial(name: "IPC namespace", layers: base.union(.ipc), promise: "no shared memory or queues of others"),
            Trial(name: "UTS namespace", layers: base.union(.uts), promise: "the host's name is neither seen nor set"),
            Trial(
                name: "no capabilities",
                layers: base.union([.capabilities, .noPrivileges]),
                promise: "no right of root's, and no program that gives one"
            ),
            Trial(
                name: "memory protection",
                layers: .memoryProtection,
                promise: "no memory that is written and executed (without exec and jit)"
            ),
            Trial(name: "Landlock", layers: [.noPrivileges, .landlock], promise: "files once more, independent of the namespaces"),
            Trial(
                name: "seccomp",
                layers: [.noPrivileges, .seccomp],
                promise: "no ptrace, mount, keys, io_uring, bpf; no programs without exec; no sockets without net"
            ),
            Trial(name: "limits", layers: .limits, promise: "core files, open and locked files, sizes"),
        ]
    }

    /// What older kernels lack is carried by the namespaces.
    private static func landlockNote(_ version: Int) -> String {
        var note = "; version \(version)"
        if version < 4 { note += ", without TCP" }
        if version < 6 { note += ", without signals and abstract sockets" }
        return note
    }

    private static func groups(_ support: SandboxSupport) -> [DoctorReport.Layer] {
        let groups = support.groups()
        let promises = [
            "memory": "needs.memory counts all of a worker", "pids": "needs.pids counts all of a worker",
            "cpu": "needs.cpu can be set",
        ]
        return ControlGroups.kinds.map { kind in
            let parent = groups.parents.first { $0.kind == kind || $0.kind == "unified" }
            let note =
                parent.map { "\(promises[kind] ?? ""); below \($0.path)" } ?? groups.reasons[kind] ?? "there is no control group"
            return DoctorReport.Layer(name: "control group \(kind)", available: parent != nil, required: false, note: note)
        }
    }

    private static func levels(_ support: SandboxSupport) -> [DoctorReport.Level] {
        var reason: String?
        if case .refused(let text) = support.outcome(support.layers()) { reason = text }
        return [
            .init(level: .inProcess, available: true, note: "nothing: the plugin is the host"),
            .init(
                level: .worker,
                available: true,
                note: "crashes, hangs and leaks stay outside the host; no protection from harm that is meant"
            ),
            .init(
                level: .sandbox,
                available: reason == nil,
                note: reason.map { "plugins that ask for it are refused: \($0)" }
                    ?? "and no files, network, signals, programs or secrets but those granted"
            ),
            .init(
                level: .oneShot,
                available: reason == nil,
                note: reason.map { "plugins that ask for it are refused: \($0)" }
                    ?? "and nothing is left from one attempt to the next"
            ),
        ]
    }
}
