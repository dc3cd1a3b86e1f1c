import Glibc
public import SpindleCore

/// The places of one host: state directory, store, lock, socket, plugins, all absolute.
public struct HostPlaces: Hashable, Sendable {
    /// The state directory.
    public let state: String
    /// Where executions are kept.
    public let store: HostConfiguration.Store
    /// The Unix socket for local commands.
    public let socket: String
    /// Where plugins lie.
    public let plugins: String

    /// Works out the places of a configuration.
    ///
    /// - Parameters:
    ///   - configuration: What was set.
    ///   - environment: Asked for the state directory if that was not set.
    ///   - workingDirectory: Relative paths begin there.
    /// - Throws: `configuration` if there is no state directory, or the socket's path is too long.
    public init(
        _ configuration: HostConfiguration,
        environment: [String: String],
        workingDirectory: String = HostPlaces.currentDirectory
    ) throws(SpindleError) {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(workingDirectory)/\(path)" }
        state = absolute(try StateDirectory.path(configuration.state, environment: environment))
        switch configuration.store {
        case .memory?: store = .memory
        case .sqlite(let path)?: store = .sqlite(path: absolute(path))
        case nil: store = .sqlite(path: "\(state)/spindle.db")
        }
        if let path = configuration.socket {
            socket = absolute(path)
        } else if case .sqlite(let path) = store {
            socket = "\(path).sock"
        } else {
            socket = "\(state)/memory.sock"
        }
        plugins = configuration.pluginDirectory.map(absolute) ?? "\(state)/plugins"
        guard socket.utf8.count <= 107 else {
            throw SpindleError(
                .configuration,
                "The socket's path has \(socket.utf8.count) bytes and the system allows 107; set `socket` to a shorter one: \(socket)"
            )
        }
    }

    /// The places by the names of their keys.
    package var byKey: [String: String] {
        ["state": state, "store": store.url, "socket": socket, "plugins.directory": plugins]
    }

    /// Where the process is.
    public static var currentDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}

/// Where a host keeps its files.
public enum StateDirectory {
    /// `--state`, `SPINDLE_STATE` or the file; else `$STATE_DIRECTORY`, `$XDG_STATE_HOME/spindle`, `~/.local/state/spindle`.
    public static func path(_ configured: String?, environment: [String: String]) throws(SpindleError) -> String {
        if let configured { return configured }
        // systemd gives several, separated by colons; the first is ours.
        if let path = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(path) }
        // A relative XDG path is to be ignored (XDG Base Directory Specification).
        if let path = environment["XDG_STATE_HOME"], path.hasPrefix("/") { return "\(path)/spindle" }
        if let home = environment["HOME"], home.hasPrefix("/") { return "\(home)/.local/state/spindle" }
        throw SpindleError(.configuration, "There is no state directory: neither HOME nor SPINDLE_STATE is set; give --state.")
    }

    /// Makes the directory with its parents, or checks that it is ours alone.
    ///
    /// - Throws: `configuration` if it cannot be made, is not ours, or others may enter it.
    public static func prepare(_ path: String) throws(SpindleError) {
        var made = ""
        for component in path.split(separator: "/") {
            made += "/\(component)"
            if mkdir(made, 0o700) != 0 && errno != EEXIST {
                let reason = String(cString: strerror(errno))
                // A parent that cannot be written may still be there.
                if access(made, F_OK) != 0 {
                    throw SpindleError(.configuration, "The state directory \(path) cannot be made: \(reason); give --state.")
                }
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw SpindleError(.configuration, "The state directory \(path) is not a directory; give --state.")
        }
        guard status.st_uid == geteuid() else {
            throw SpindleError(
                .configuration,
                "The state directory \(path) belongs to user \(status.st_uid), not to us; give --state."
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw SpindleError(.configuration, "The state directory \(path) has mode \(mode); only 700 is allowed: chmod 700 it.")
        }
    }
}
