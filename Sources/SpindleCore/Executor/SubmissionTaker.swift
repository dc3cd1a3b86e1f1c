/// Who accepts submissions: the engine, as triggers of plugins see it.
public protocol SubmissionTaker: Sendable {
    /// Accepts executions in one commit; each is refused on its own.
    ///
    /// - Parameter batch: At most ``Limits/batch``.
    /// - Throws: ``SpindleError`` for the batch as a whole; what the store then holds is not known.
    func submit(_ batch: [Submission]) async throws -> [Result<SubmissionReceipt, SpindleError>]
}
