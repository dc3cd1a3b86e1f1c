import DequeModule
import Glibc

/// Threads of our own for Swift tasks that run jobs: a job that blocks holds one of these, never the cooperative pool.
///
/// Grows to as many threads as there are jobs waiting, up to a limit; idle threads stay until ``stop()``.
///
/// @unchecked Sendable: the mutable state is only touched with `mutex` held.
final class ThreadPoolTaskExecutor: TaskExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let maxThreads: Int
    private var jobs = Deque<UnownedJob>()
    private var threads = 0
    private var idle = 0
    private var isStopped = false

    /// - Parameter maxThreads: At least 1.
    init(maxThreads: Int) {
        self.maxThreads = max(maxThreads, 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Ends the threads that have nothing to do. What is enqueued later runs all the same.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        if idle >= jobs.count {
            pthread_cond_signal(condition)
        } else if threads < maxThreads {
            threads += 1
            // Retains the pool: it lives as long as its threads.
            OwnThread.start { self.work() }
        }
        pthread_mutex_unlock(mutex)
    }

    private func work() {
        let executor = asUnownedTaskExecutor()
        pthread_mutex_lock(mutex)
        while true {
            while jobs.isEmpty {
                if isStopped {
                    threads -= 1
                    pthread_mutex_unlock(mutex)
                    return
                }
                idle += 1
                pthread_cond_wait(condition, mutex)
                idle -= 1
            }
            let job = jobs.removeFirst()
            pthread_mutex_unlock(mutex)
            job.runSynchronously(on: executor)
            pthread_mutex_lock(mutex)
        }
    }
}
