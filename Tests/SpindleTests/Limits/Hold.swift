import Glibc
import Testing

/// Keeps attempts of the plugin `bench` going that name it as `held`, until it is released.
final class Hold: Sendable {
    let path: String

    init(_ name: String, in directory: String) throws {
        path = "\(directory)/held-\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        close(descriptor)
    }

    // Nothing that a failed test started goes on after it.
    deinit { release() }

    func release() { unlink(path) }
}
