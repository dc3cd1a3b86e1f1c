import HeapModule
import SpindleCore
import SpindleEngine

/// Something that happens at a moment of virtual time.
struct SimEvent: Comparable {
    enum Kind: UInt8 {
        /// Outside: submissions, cancels, retries by hand, crashes, reloads.
        case driver
        /// A timer that the dispatcher asked for.
        case alarm
        /// A batch reaches the store; its answer reaches the host.
        case commit, reply
        /// A loop looks again after it backed off.
        case settleAgain, claimAgain, promoteAgain
        case promoteDue, renew
        /// Code comes to its end; the executor has had enough of it.
        case codeDone, codeEnds, codeKilled
        /// A report of an executor arrives.
        case deliver
        case drainTimeout, closeAnyway
        /// A type that was withdrawn is served again.
        case serveAgain
    }

    let at: Int64
    /// Breaks ties by chance: what happens at the same time has no order.
    let tie: UInt32
    let kind: Kind
    /// What it is about: an index.
    let subject: Int
    /// The life of the host it belongs to; events of earlier lives are nothing.
    let life: Int32
    var report = Report.finishedAndEnded

    enum Report: UInt8 { case finishedAndEnded, finished, ended, abandoned }

    static func < (left: Self, right: Self) -> Bool { left.at != right.at ? left.at < right.at : left.tie < right.tie }
    static func == (left: Self, right: Self) -> Bool { left.at == right.at && left.tie == right.tie }
}

/// A batch of commands on its way to the store and back.
struct SimBatch {
    enum Work {
        case none
        case settles([Settlement], began: Int64)
        case claims([ClaimOrder])
        case submit([(row: Int, admitted: Bool)])
        case promote
        case renew
        case cancel(row: Int)
        case retry(row: Int)
        case release(Set<ExecutionID>, doubts: UInt64)
    }

    /// What becomes of it: the last two the host cannot tell apart.
    enum Fate { case answered, writtenButLost, notWritten }

    var work: Work
    var fate: Fate
    var isCommitted = false
    /// The store's answers, by kind of work.
    var states: [ExecutionState?] = []
    var claimed: [[ClaimedExecution]] = []
    var readyTypes: [Int] = []
    var rows: [Int] = []
    var nextDue = Int64.max
}

/// Code of an attempt that runs somewhere, as it is in truth and not as the dispatcher believes.
struct SimCode {
    let key: AttemptKey
    let row: Int
    let type: Int
    let plugin: Int
    let startedAt: Int64
    let deadline: Int64
    let result: ExecutionResult
    /// After its result, its code goes on for so long.
    let trails: Int64
    /// Microseconds from the request to end; nil ignores it.
    let obeysAfter: Int64?
    /// Ends without a word.
    let isMute: Bool
    var runs = true
    var holdsGlobal = true
    var sent: ExecutionResult?
    /// When its first result arrived at the dispatcher.
    var arrived: Int64?
    /// When its end without a result, or its abandonment, arrived.
    var gone: Int64?
    var abandonedAt: Int64?
    var cancelReason: CancelReason?
    var cancelledAt: Int64 = .max
}
