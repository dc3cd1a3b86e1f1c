import SpindleCore
import SpindleEngine
import SpindleServer
import Testing

@Suite struct SubmissionTests {
    @Test func acceptsOneAndShowsItsEnd() async throws {
        try await TestHost.run { host in
            let response = try await host.post("/v1/executions", #"{"type":"SCRIPT","target":"ok","priority":5}"#)
            #expect(response.status == 201)
            let receipt = try response.success(ReceiptBody.self)
            #expect(receipt.created)
            #expect(response.headers["location"] == "/v1/executions/\(receipt.id)")
            let waited = try await host.get("/v1/executions/\(receipt.id)/wait?timeout=60s")
            #expect(waited.status == 200)
            let execution = try waited.success(ExecutionBody.self)
            #expect(execution.state.state == .succeeded)
            #expect(execution.priority == 5)
            #expect(execution.type == "script")
            #expect(execution.shortId == receipt.shortId)
        }
    }

    @Test func longPollTellsTheEndOrTheStateSoFar() async throws {
        try await TestHost.run { host in
            let held = try await host.post("/v1/executions?wait=1ms", #"{"type":"script","target":"hold"}"#)
            #expect(held.status == 202)
            let receipt = try held.success(ReceiptBody.self)
            #expect(receipt.execution?.state.state.isFinal == false)
            let early = try await host.get("/v1/executions/\(receipt.shortId)/wait?timeout=0")
            #expect(early.status == 202)
            async let late = host.get("/v1/executions/\(receipt.shortId)/wait?timeout=60")
            await host.executor.started.wait()
            host.executor.gate.open()
            let end = try await late
            #expect(end.status == 200)
            #expect(try end.success(ExecutionBody.self).state.state == .succeeded)
            let ok = try await host.submit("ok", wait: true)
            #expect(ok.execution?.state.state == .succeeded)
        }
    }

    @Test func anIdempotencyKeyGivesTheSameExecutionOrRefusesAnotherBody() async throws {
        try await TestHost.run { host in
            let body = #"{"type":"script","target":"ok"}"#
            let first = try await host.post("/v1/executions", body, headers: [("Idempotency-Key", "a")])
            let again = try await host.post("/v1/executions", body, headers: [("Idempotency-Key", "a")])
            #expect(first.status == 201)
            #expect(again.status == 200)
            let receipts = (try first.success(ReceiptBody.self), try again.success(ReceiptBody.self))
            #expect(receipts.0.id == receipts.1.id)
            #expect(!receipts.1.created)
            let other = try await host.post(
                "/v1/executions",
                #"{"type":"script","target":"fail"}"#,
                headers: [("Idempotency-Key", "a")]
            )
            #expect(other.status == 422)
            #expect(other.problem.code == "idempotencyMismatch")
        }
    }

    @Test func aUniqueKeyGivesTheExecutionThatHoldsIt() async throws {
        try await TestHost.run { host in
            let first = try await host.submit("hold", #","uniqueKey":"k""#)
            let second = try await host.submit("hold", #","uniqueKey":"k""#)
            #expect(second.id == first.id)
            #expect(!second.created)
        }
    }

    @Test func aBatchAcceptsWhatIsRightAndNamesWhatIsWrong() async throws {
        try await TestHost.run { host in
            let response = try await host.post(
                "/v1/executions",
                #"""
                {"executions":[{"type":"script","target":"ok"},{"type":"script","traget":"ok"},{"type":"nobody"},
                 {"type":"script","target":"ok","priority":1e300},17,{"job":"missing"},{"type":"script","target":"ok"}]}
                """#
            )
            #expect(response.status == 200)
            let entries = try response.success(BatchReceiptBody.self).executions
            #expect(
                entries.map { $0.problem?.code ?? "" }
                    == ["", "invalidRequest", "noExecutor", "invalidRequest", "invalidRequest", "notFound", ""]
            )
            #expect(entries.map { $0.receipt != nil } == [true, false, false, false, false, false, true])
            #expect(entries[1].problem?.detail.contains("\"target\"") == true)
        }
    }

    @Test func aBatchHasBounds() async throws {
        try await TestHost.run { host in
            let empty = try await host.post("/v1/executions", #"{"executions":[]}"#)
            #expect(empty.status == 400)
            let one = #"{"type":"script","target":"ok"}"#
            let many = Array(repeating: one, count: 1001).joined(separator: ",")
            let tooMany = try await host.post("/v1/executions", "{\"executions\":[\(many)]}")
            #expect(tooMany.status == 400)
            let key = try await host.post("/v1/executions", "{\"executions\":[\(one)]}", headers: [("idempotency-key", "x")])
            #expect(key.status == 400)
            let wait = try await host.post("/v1/executions?wait=1s", "{\"executions\":[\(one)]}")
            #expect(wait.status == 400)
            let unknown = try await host.post("/v1/executions", "{\"executions\":[\(one)],\"wiat\":1}")
            #expect(unknown.status == 400)
            let full = Array(repeating: one, count: 1000).joined(separator: ",")
            let fits = try await host.post("/v1/executions", "{\"executions\":[\(full)]}").success(BatchReceiptBody.self)
            #expect(fits.executions.allSatisfy { $0.receipt?.created == true })
        }
    }

    @Test func waitsForOthersByAnyFormOfTheirName() async throws {
        try await TestHost.run { host in
            let parent = try await host.submit("hold")
            let child = try await host.submit("ok", #","after":["\#(parent.shortId)"]"#)
            let skipped = try await host.submit("ok", #","after":["\#(parent.id):failed"]"#)
            let both = try await host.submit("ok", #","after":[{"id":"\#(parent.id)","on":"any"}]"#)
            let waiting = try await host.get("/v1/executions/\(child.id)").success(ExecutionBody.self)
            #expect(waiting.state.state == .waiting)
            #expect(waiting.after == [DependencyBody(id: parent.id)])
            await host.executor.started.wait()
            host.executor.gate.open()
            for (receipt, state) in [(child, ExecutionState.succeeded), (skipped, .skipped), (both, .succeeded)] {
                let end = try await host.get("/v1/executions/\(receipt.id)/wait?timeout=60s").success(ExecutionBody.self)
                #expect(end.state.state == state)
            }
            let nobody = try await host.post(
                "/v1/executions",
                #"{"type":"script","target":"ok","after":["00000000-0000-7000-8000-000000000000"]}"#
            )
            #expect(nobody.status == 404)
            let oddEnd = try await host.post("/v1/executions", #"{"type":"script","after":["\#(parent.id):succeded"]}"#)
            #expect(oddEnd.problem.detail.contains("Did you mean \"succeeded\""))
        }
    }

    @Test func runsLaterOnlyOneWay() async throws {
        try await TestHost.run { host in
            let later = try await host.submit("ok", #","delay":"1h","startBy":"2999-01-01T00:00:00Z""#)
            let scheduled = try await host.get("/v1/executions/\(later.id)").success(ExecutionBody.self)
            #expect(scheduled.state.state == .scheduled)
            #expect(scheduled.runAt != nil)
            #expect(scheduled.startBy != nil)
            let both = try await host.post(
                "/v1/executions",
                #"{"type":"script","delay":1,"runAt":"2999-01-01T00:00:00Z"}"#
            )
            #expect(both.status == 400)
        }
    }

    @Test func parametersBecomeTextAndPayloadsBytes() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit(
                "echo",
                #","parameters":{"b":true,"a":1,"c":2.5,"d":18446744073709551615,"e":"x"},"payload":{"json":{"k":[1,null]}}"#,
                wait: true
            )
            let output = try await host.get("/v1/executions/\(receipt.id)/output")
            #expect(String(decoding: output.bytes, as: UTF8.self) == "a=1&b=true&c=2.5&d=18446744073709551615&e=x")
            #expect(output.headers["content-type"]?.hasPrefix("text/plain") == true)
            let payload = try await host.get("/v1/executions/\(receipt.id)/payload")
            #expect(String(decoding: payload.bytes, as: UTF8.self) == #"{"k":[1,null]}"#)
            #expect(payload.headers["content-type"] == "application/json")
            let bytes = try await host.submit("ok", #","payload":{"base64":"/wA=","contentType":"image/x"}"#)
            let raw = try await host.get("/v1/executions/\(bytes.id)/payload")
            #expect(raw.bytes == [0xFF, 0])
            #expect(raw.headers["content-type"] == "image/x")
        }
    }

    @Test func theClientMaySupplyTheID() async throws {
        try await TestHost.run { host in
            let id = "01900000-0000-7000-8000-000000000001"
            let receipt = try await host.submit("ok", #","id":"\#(id)""#)
            #expect(receipt.id == id)
            let bad = try await host.post("/v1/executions", #"{"type":"script","id":"one"}"#)
            #expect(bad.status == 400)
        }
    }
}
