import SpindleCore
import SpindleEngine
import SpindleServer
import Testing

@Suite struct ExecutionTests {
    @Test func listsPagesNewestFirst() async throws {
        try await TestHost.run { host in
            var ids: [String] = []
            for _ in 0..<5 { ids.append(try await host.submit("ok", wait: true).id) }
            let failed = try await host.submit("fail", wait: true).id
            var seen: [String] = []
            var cursor: String?
            repeat {
                let path = "/v1/executions?limit=2&state=succeeded,queued" + (cursor.map { "&cursor=\($0)" } ?? "")
                let page = try await host.get(path).success(ExecutionPageBody.self)
                #expect(page.executions.count <= 2)
                seen += page.executions.map(\.id)
                cursor = page.nextCursor
            } while cursor != nil
            #expect(seen == ids.sorted().reversed())
            let all = try await host.get("/v1/executions?type=SCRIPT&createdFrom=2000-01-01T00:00:00Z")
                .success(ExecutionPageBody.self)
            #expect(all.executions.contains { $0.id == failed })
            for empty in ["type=other", "job=none", "createdBefore=2000-01-01T00:00:00Z", "state=expired"] {
                let page = try await host.get("/v1/executions?\(empty)").success(ExecutionPageBody.self)
                #expect(page.executions.isEmpty)
                #expect(page.nextCursor == nil)
            }
        }
    }

    @Test func largeParametersEndAPageEarly() async throws {
        try await TestHost.run { host in
            let large = String(repeating: "x", count: Limits.parameters - 1)
            for _ in 0..<40 {
                let job = Job(id: JobID(UUIDv7(high: 1, low: 1)), executorType: "script", target: "ok", parameters: ["a": large])
                _ = try await host.engine.submit(Submission(job))
            }
            var seen = 0
            var pages = 0
            var cursor: String?
            repeat {
                let path = "/v1/executions?limit=1000" + (cursor.map { "&cursor=\($0)" } ?? "")
                let response = try await host.get(path)
                #expect(response.bytes.count < 10 * 1024 * 1024)
                let page = try response.success(ExecutionPageBody.self)
                seen += page.executions.count
                pages += 1
                cursor = page.nextCursor
            } while cursor != nil
            #expect(seen == 40 && pages == 2)
        }
    }

    @Test(arguments: [
        "state=sucess", "limit=0", "limit=1001", "limit=1e300", "limit=-1", "limit=99999999999999999999", "cursor=x",
        "createdFrom=yesterday", "createdBefore=", "lmit=1",
    ])
    func refusesAQueryThatItDoesNotKnow(_ query: String) async throws {
        try await TestHost.run { host in
            let response = try await host.get("/v1/executions?\(query)")
            #expect(response.status == 400)
            #expect(response.problem.code == "invalidRequest")
        }
    }

    @Test func showsAttemptsWithTheirErrors() async throws {
        try await TestHost.run { host in
            let flaky = try await host.submit("flaky", #","policy":{"retry":{"baseDelay":"1ms","jitter":0}}"#, wait: true)
            #expect(flaky.execution?.state.state == .succeeded)
            #expect(flaky.execution?.policy.retry?.baseDelay?.microseconds == 1000)
            let attempts = try await host.get("/v1/executions/\(flaky.shortId)/attempts").success(AttemptListBody.self).attempts
            #expect(attempts.map(\.outcome) == ["failed", "succeeded"])
            #expect(attempts[0].error?.message == "not yet")
            let failed = try await host.submit("fail", wait: true)
            #expect(failed.execution?.error?.code == "test.no")
            #expect(failed.execution?.lastOutcome == "failed")
        }
    }

    @Test func bytesOfAJobCannotForgeHeaders() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("odd", wait: true)
            let output = try await host.get("/v1/executions/\(receipt.id)/output")
            #expect(output.status == 200)
            #expect(output.bytes == [0xFF, 0])
            #expect(output.headers["x-evil"] == nil)
            #expect(output.headers["x-content-type-options"] == "nosniff")
        }
    }

    @Test func cancelsWhatRunsAndWhatWaits() async throws {
        try await TestHost.run { host in
            let running = try await host.submit("hold")
            await host.executor.started.wait()
            let asked = try await host.client.request("POST", "/v1/executions/\(running.shortId)/cancel")
            #expect(asked.status == 202)
            #expect(try asked.success(CancelReceiptBody.self).result == "requested")
            let end = try await host.get("/v1/executions/\(running.id)/wait?timeout=60s").success(ExecutionBody.self)
            #expect(end.state.state == .cancelled)
            #expect(end.cancelRequestedAt != nil)
            let scheduled = try await host.submit("ok", #","delay":"1h""#)
            let done = try await host.client.request("POST", "/v1/executions/\(scheduled.id)/cancel")
            #expect(done.status == 200)
            #expect(try done.success(CancelReceiptBody.self).result == "cancelled")
            let twice = try await host.client.request("POST", "/v1/executions/\(scheduled.id)/cancel")
            #expect(twice.status == 409)
            #expect(twice.problem.code == "conflict")
        }
    }

    @Test func retriesWhatFailed() async throws {
        try await TestHost.run { host in
            let failed = try await host.submit("fail", wait: true)
            let retried = try await host.post("/v1/executions/\(failed.id)/retry", #"{"extraRetries":2}"#)
            #expect(retried.status == 202)
            let again = try await host.get("/v1/executions/\(failed.id)/wait?timeout=60s").success(ExecutionBody.self)
            #expect(again.attempt == 2)
            let plain = try await host.client.request("POST", "/v1/executions/\(failed.id)/retry")
            #expect(plain.status == 202)
            let ok = try await host.submit("ok", wait: true)
            let conflict = try await host.post("/v1/executions/\(ok.id)/retry", "")
            #expect(conflict.status == 409)
            for body in [#"{"extraRetries":-1}"#, #"{"extraRetries":1e300}"#, #"{"extraRetires":1}"#, "[]"] {
                let refused = try await host.post("/v1/executions/\(failed.id)/retry", body)
                #expect(refused.status == 400)
            }
        }
    }

    @Test func handsOutArtefactsOnlyByTheirListedName() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("ok", wait: true)
            let id = try #require(ExecutionID(receipt.id))
            try await host.artefacts.write(AttemptKey(id, 1), name: "report.txt", chunk: Array("hello".utf8), isLast: true)
            let list = try await host.get("/v1/executions/\(receipt.id)/artefacts").success(ArtefactListBody.self)
            #expect(list.artefacts.map(\.name) == ["report.txt"])
            #expect(list.artefacts.first?.size == 5)
            let file = try await host.get("/v1/executions/\(receipt.id)/artefacts/1/report.txt")
            #expect(file.bytes == Array("hello".utf8))
            for name in ["other.txt", "..%2F..%2Fetc%2Fpasswd", "%00", "%FF", "%"] {
                #expect(try await host.get("/v1/executions/\(receipt.id)/artefacts/1/\(name)").status == 404)
            }
        }
    }

    @Test(arguments: ["", "/attempts", "/wait", "/logs", "/output", "/payload", "/artefacts"])
    func tellsWhatIsNotThere(_ rest: String) async throws {
        try await TestHost.run { host in
            let missing = try await host.get("/v1/executions/00000000-0000-7000-8000-000000000000\(rest)")
            #expect(missing.status == 404)
            #expect(missing.problem.code == "notFound")
            #expect(missing.headers["content-type"] == "application/problem+json")
            #expect(try await host.get("/v1/executions/abcdef01\(rest)").status == 404)
            #expect(try await host.get("/v1/executions/xyz\(rest)").status == 400)
        }
    }

    @Test func aShortNameThatFitsTwoIsAmbiguous() async throws {
        try await TestHost.run { host in
            for first in ["1", "2"] { _ = try await host.submit("ok", #","id":"\#(first)1900000-0000-7000-8000-0000abcdabcd""#) }
            let response = try await host.get("/v1/executions/abcdabcd")
            #expect(response.status == 409)
            #expect(response.problem.code == "ambiguous")
            #expect(try await host.get("/v1/executions/11900000").status == 200)
        }
    }

    @Test func noOutputAndNoPayloadAreNotFound() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("fail", wait: true)
            #expect(try await host.get("/v1/executions/\(receipt.id)/output").status == 404)
            #expect(try await host.get("/v1/executions/\(receipt.id)/payload").status == 404)
        }
    }
}
