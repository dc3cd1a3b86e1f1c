import SpindleCore
import Testing

@testable import SpindleServer

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Holds `Docs/openapi.json` against the table of routes and the keys of the bodies, both ways.
@Suite struct OpenAPITests {
    private static func document() throws -> JSONValue {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: URL(filePath: "/\(root)/Docs/openapi.json")))
    }

    @Test func hasEveryRouteAndNoOther() throws {
        let paths = try #require(Self.document()["paths"]?.members)
        var documented: Set<String> = []
        for (path, operations) in paths {
            for method in operations.members.keys { documented.insert("\(method.uppercased()) \(path)") }
        }
        let served = API.routes.map { "\($0.verb) \($0.path)" }
        #expect(documented == Set(served))
        #expect(served.count == Set(served).count)
    }

    @Test func hasEveryParameterOfEveryRoute() throws {
        let document = try Self.document()
        for route in API.routes {
            let operation = try #require(document["paths"]?[route.path]?[route.verb.lowercased()])
            let parameters = operation["parameters"]?.elements ?? []
            func names(_ place: JSONValue) -> Set<String> {
                Set(parameters.filter { $0["in"] == place }.compactMap { $0["name"]?.text })
            }
            #expect(names("query") == Set(route.query), "\(route.path)")
            let inPath = route.segments.filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
            #expect(names("path") == Set(inPath), "\(route.path)")
        }
    }

    @Test(arguments: [
        ("Submission", SubmissionBody.CodingKeys.allCases.map(\.stringValue)),
        ("Job", JobBody.CodingKeys.allCases.map(\.stringValue)),
        ("Policy", PolicyBody.CodingKeys.allCases.map(\.stringValue)),
        ("RetryPolicy", RetryPolicyBody.CodingKeys.allCases.map(\.stringValue)),
        ("Payload", PayloadBody.CodingKeys.allCases.map(\.stringValue)),
        ("RetryRequest", RetryRequestBody.CodingKeys.allCases.map(\.stringValue)),
    ])
    func hasTheKeysOfTheRequests(_ schema: String, _ keys: [String]) throws {
        let properties = try #require(Self.document()["components"]?["schemas"]?[schema]?["properties"])
        #expect(Set(properties.members.keys) == Set(keys))
    }

    @Test func hasTheKeysOfAnExecution() throws {
        var execution = Execution(
            id: ExecutionID(UUIDv7(high: 1, low: 2)),
            jobID: JobID(UUIDv7(high: 3, low: 4)),
            jobName: "job",
            executorType: "script",
            target: "x",
            state: .failed,
            concurrencyKey: "k",
            createdAt: Timestamp(microseconds: 0)
        )
        (execution.runAt, execution.startBy, execution.startedAt) = (execution.createdAt, execution.createdAt, execution.createdAt)
        (execution.finishedAt, execution.cancelRequestedAt) = (execution.createdAt, execution.createdAt)
        (execution.lastOutcome, execution.errorCode, execution.error) = (.failed, "code", "error")
        var body = ExecutionBody(execution, after: [Dependency(execution.id)])
        body.progress = ProgressBody(fraction: 0.5, note: "half")
        let encoded = try JSONEncoder().encode(body)
        let value = try JSONDecoder().decode(JSONValue.self, from: encoded)
        let properties = try #require(Self.document()["components"]?["schemas"]?["Execution"]?["properties"])
        #expect(Set(properties.members.keys) == Set(value.members.keys))
        #expect(try JSONDecoder().decode(ExecutionBody.self, from: encoded) == body)
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        let document = try Self.document()
        func check(_ value: JSONValue) {
            if let reference = value["$ref"]?.text {
                let target = reference.dropFirst(2).split(separator: "/").reduce(JSONValue?.some(document)) { $0?[String($1)] }
                #expect(target != nil, "\(reference)")
            }
            for member in value.members.values { check(member) }
            for element in value.elements { check(element) }
        }
        check(document)
    }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? { members[name] }
    fileprivate var members: [String: JSONValue] {
        if case .object(let members) = self { members } else { [:] }
    }
    fileprivate var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }
    fileprivate var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
