public import SpindleCore
public import Testing

/// What every ``JobStore`` must do, as a list of cases: each is run on an empty store of its own.
public struct StoreConformance: Sendable, CustomTestStringConvertible {
    /// What it is about.
    public let name: String
    private let body: @Sendable (StoreHarness) async throws -> Void

    public var testDescription: String { name }

    init(_ name: String, _ body: @escaping @Sendable (StoreHarness) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// Runs the case.
    public func run(on store: any JobStore & JobReader) async throws { try await body(StoreHarness(store)) }

    /// All cases.
    public static let all =
        submitCases + keyCases + claimCases + settleCases + dependencyCases + controlCases + hostCases
        + pruneCases + readCases
}
