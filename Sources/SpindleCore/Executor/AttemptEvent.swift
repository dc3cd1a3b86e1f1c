/// What an executor reports about an attempt.
///
/// For each started attempt exactly one ``finished(_:_:ranOn:codeEnded:)`` comes, and exactly one end of its code: with it, or as a
/// later ``codeEnded(_:)``, or as ``abandoned(_:)`` followed some day by ``codeEnded(_:)``.
public enum AttemptEvent: Sendable {
    /// The attempt has its result. `codeEnded`: its code has ended too, so its slot is free.
    case finished(AttemptKey, ExecutionResult, ranOn: String?, codeEnded: Bool)
    /// The code of an attempt has ended: its slot is free.
    case codeEnded(AttemptKey)
    /// The code cannot be ended (in-process): the global slot is given back, the others are kept until it ends.
    case abandoned(AttemptKey)
    /// A line for the log.
    case log(AttemptKey, LogLine)
    /// How far the work is: 0 … 1.
    case progress(AttemptKey, fraction: Double, note: String)
    /// Bytes for the next attempt.
    case checkpoint(AttemptKey, [UInt8])
    /// A piece of a file that the attempt makes; `isLast` closes it.
    case artefact(AttemptKey, name: String, chunk: ArtefactChunk, isLast: Bool)
}
