import Glibc

/// Lets a thread of the operating system wait until another has something for it.
final class Signal: @unchecked Sendable {
    // Sendable: a POSIX semaphore is made to be shared between threads; it never moves.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one wait end. Any thread; never blocks.
    func raise() { sem_post(semaphore) }

    /// Waits for one ``raise()``.
    func wait() {
        while sem_wait(semaphore) != 0 && errno == EINTR {}
    }

    /// Waits for one ``raise()``, at most so long.
    ///
    /// - Returns: False if the time was up.
    func wait(microseconds: Int64) -> Bool {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        let nanoseconds = Int64(until.tv_nsec) + microseconds % 1_000_000 * 1000
        until.tv_sec += Int(microseconds / 1_000_000 + nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(nanoseconds % 1_000_000_000)
        while sem_timedwait(semaphore, &until) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }
}
