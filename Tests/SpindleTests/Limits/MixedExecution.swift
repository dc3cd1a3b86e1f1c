import SpindleCore
import SpindleEngine
import SpindlePlugins

/// One execution of the mix: what it does, and how it must end.
struct MixedExecution: Sendable {
    let number: Int
    let id: ExecutionID
    let job: Job
    let state: ExecutionState
    let outcome: AttemptOutcome
    /// Its end is asked for when so many of the mix have ended.
    var cancelAfter: Int?

    /// Makes the execution with a number.
    init(_ number: Int, _ setup: LimitedSetup, _ gauges: Gauges, _ random: inout MixRandom) {
        let kind = Kind.any(at: setup.level, &random)
        self.number = number
        id = ExecutionID(UUIDv7(milliseconds: 1, random: (UInt64(number), UInt64(number))))
        var job = Job(id: JobID(id.uuid), executorType: random.element(LimitedSetup.types), target: kind.target)
        job.parameters = Parameters(kind.parameters(&random))
        job.policy = PolicyOverrides(strategy: .fixed, maxRetries: kind.retries(&random), timeout: kind.timeout(&random))
        job.policy.baseDelay = Int64(random.number(1000...20_000))
        if random.isTrue(permille: 200) { job.concurrencyKey = random.element(["one", "two", "three"]) }
        job.priority = random.isTrue(permille: 100) ? Int32(random.number(-2...2)) : 0
        setup.count(&job, in: gauges)
        self.job = job
        (state, outcome) = kind.end
        // About when its turn comes: some still wait then, some run, some have ended.
        if random.isTrue(permille: 60) { cancelAfter = max(0, number + random.number(-200...15)) }
    }

    /// Whether it may have ended so; nobody knows whether a cancel came in time.
    func mayEnd(_ end: ExecutionEnd) -> Bool {
        (end.state == state && end.outcome == outcome) || (cancelAfter != nil && end.state == .cancelled)
    }

    private enum Kind {
        case noop, wait, block, permanent, retryable, flaky, late, lateAndDeaf
        /// Only in workers: it takes its process along, or its process must be ended.
        case crash, abort, exit, stuck

        private static let all: [(Kind, permille: Int)] = [
            (.noop, 400), (.wait, 190), (.block, 100), (.permanent, 50), (.retryable, 60), (.flaky, 80), (.late, 60),
            (.lateAndDeaf, 45), (.crash, 4), (.abort, 3), (.exit, 3), (.stuck, 5),
        ]
        /// In the host's own process a crash would be that of the tests.
        private var needsWorker: Bool { [.crash, .abort, .exit, .stuck].contains(self) }

        static func any(at level: IsolationLevel, _ random: inout MixRandom) -> Kind {
            var rest = random.number(0...999)
            for (kind, share) in all {
                rest -= share
                if rest < 0 { return kind.needsWorker && level == .inProcess ? .noop : kind }
            }
            return .noop
        }

        var target: String {
            switch self {
            case .noop: "noop"
            case .wait, .late: "wait"
            case .block, .lateAndDeaf, .stuck: "block"
            case .permanent, .retryable: "fail"
            case .flaky: "flaky"
            case .crash: "crash"
            case .abort: "abort"
            case .exit: "exit"
            }
        }

        func parameters(_ random: inout MixRandom) -> [String: String] {
            switch self {
            case .wait, .block: ["ms": "\(random.number(0...8))"]
            case .late, .stuck: ["ms": "600000"]
            // It runs on for a while after its time is over.
            case .lateAndDeaf: ["ms": "\(random.number(15...40))"]
            case .permanent: ["class": "permanent"]
            case .flaky: ["failures": "\(random.number(1...2))"]
            default: [:]
            }
        }

        func retries(_ random: inout MixRandom) -> Int32 {
            switch self {
            case .retryable: Int32(random.number(0...2))
            case .flaky: 2
            case .late, .lateAndDeaf: Int32(random.number(0...1))
            case .crash, .abort, .exit, .stuck: 0
            default: 3
            }
        }

        func timeout(_ random: inout MixRandom) -> Int64? {
            switch self {
            case .late, .lateAndDeaf: Int64(random.number(1000...10_000))
            case .stuck: 20_000
            default: nil
            }
        }

        var end: (ExecutionState, AttemptOutcome) {
            switch self {
            case .noop, .wait, .block, .flaky: (.succeeded, .succeeded)
            case .permanent, .retryable: (.failed, .failed)
            case .late, .lateAndDeaf, .stuck: (.failed, .timedOut)
            case .crash, .abort, .exit: (.failed, .crashed)
            }
        }
    }
}
