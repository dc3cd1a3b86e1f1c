import SpindleCore
import SpindleEngine
import SpindleServer
import Testing

@Suite struct HostTests {
    @Test func keepsJobsAndRunsThem() async throws {
        try await TestHost.run { host in
            let path = "/v1/jobs/nightly"
            let body = Array(
                #"""
                {"type":"script","target":"echo","parameters":{"a":"1","b":"2"},"priority":-3,
                 "policy":{"timeout":30,"retry":{"strategy":"linear","maxRetries":1,"jitter":"10%"},
                           "concurrencyKey":"k","concurrencyLimit":2,"onInterrupted":"fail"}}
                """#.utf8
            )
            let created = try await host.client.request("PUT", path, body: body)
            #expect(created.status == 201)
            let job = try created.success(JobBody.self)
            #expect(job.policy?.timeout?.microseconds == 30_000_000)
            #expect(job.policy?.retry?.jitterPermille == 100)
            #expect(job.policy?.concurrencyKey == "k")
            let replaced = try await host.client.request("PUT", path, json: job)
            #expect(replaced.status == 200)
            #expect(try replaced.success(JobBody.self) == job)
            #expect(try await host.get(path).success(JobBody.self) == job)
            #expect(try await host.get("/v1/jobs").success(JobListBody.self).jobs == [job])
            var heavy = JobBody(name: "heavy", type: "script", target: "ok")
            heavy.payload = PayloadBody(text: String(repeating: "x", count: Limits.payload))
            let stored = try await host.client.request("PUT", "/v1/jobs/heavy", json: heavy)
            #expect(stored.status == 201)
            #expect(try stored.success(JobBody.self).payload?.text?.utf8.count == Limits.payload)
            let listed = try await host.get("/v1/jobs").success(JobListBody.self).jobs
            #expect(listed.map(\.name) == ["heavy", "nightly"] && listed.allSatisfy { $0.payload == nil })
            let run = try await host.post("\(path)/run?wait=60s", #"{"parameters":{"b":"3"}}"#).success(ReceiptBody.self)
            #expect(run.execution?.job == "nightly")
            #expect(run.execution?.priority == -3)
            #expect(run.execution?.policy.timeout?.microseconds == 30_000_000)
            #expect(try await host.get("/v1/executions/\(run.id)/output").bytes == Array("a=1&b=3".utf8))
            let plain = try await host.client.request("POST", "\(path)/run")
            #expect(plain.status == 201)
            let byName = try await host.post("/v1/executions", #"{"job":"nightly"}"#)
            #expect(byName.status == 201)
            #expect(try await host.client.request("DELETE", path).status == 204)
            #expect(try await host.client.request("DELETE", path).status == 404)
            #expect(try await host.get(path).status == 404)
            #expect(try await host.client.request("POST", "\(path)/run").status == 404)
        }
    }

    @Test func refusesJobsThatContradictThemselves() async throws {
        try await TestHost.run { host in
            for body in [
                #"{"name":"other","type":"script"}"#, #"{"type":"script","tpye":"x"}"#, "", "{}", "[]", "nul",
                #"{"type":"script","policy":{"timeout":"31d"}}"#, #"{"type":"script","policy":{"timeuot":1}}"#,
            ] {
                let response = try await host.client.request("PUT", "/v1/jobs/nightly", body: Array(body.utf8))
                #expect(response.status == 400)
            }
            let name = try await host.client.request("PUT", "/v1/jobs/-x", body: Array(#"{"type":"script"}"#.utf8))
            #expect(name.status == 400)
            let other = try await host.post("/v1/jobs/a/run", #"{"job":"b"}"#)
            #expect(other.status == 400)
            let both = try await host.post("/v1/jobs/a/run", #"{"type":"script"}"#)
            #expect(both.status == 400)
        }
    }

    @Test func tellsOfPluginsExecutorsAndItself() async throws {
        try await TestHost.run { host in
            let plugins = try await host.get("/v1/plugins").success(PluginListBody.self).plugins
            #expect(plugins.map(\.state) == ["loaded", "refused"])
            let details = try await host.get("/v1/plugins/good").success(PluginDetails.self)
            #expect(details.details["pid"] == 7)
            #expect(try await host.get("/v1/plugins/nope").status == 404)
            let executors = try await host.get("/v1/executors").success(ExecutorListBody.self).executors
            #expect(executors.map(\.type) == ["script"])
            _ = try await host.submit("ok", wait: true)
            let status = try await host.get("/v1/status").success(StatusBody.self)
            #expect(status.version == "1.2.3")
            #expect(status.slots == 10)
            #expect(status.executions["succeeded"] == 1)
            #expect(try await host.get("/healthz").success(HealthBody.self).status == "ok")
            #expect(try await host.get("/readyz").success(HealthBody.self).status == "ok")
        }
    }

    @Test func knowsItsRoutesAndMethods() async throws {
        try await TestHost.run { host in
            for path in ["/", "/v1", "/v2/status", "/v1/executions/a/b/c/d/e", "/v1/executions/%", "/v1/%2e%2e"] {
                let response = try await host.get(path)
                #expect(response.status == 404)
                #expect(response.problem.code == "notFound")
            }
            let wrong = try await host.client.request("PATCH", "/v1/jobs/x")
            #expect(wrong.status == 405)
            #expect(wrong.headers["allow"] == "GET, PUT, DELETE")
            #expect(wrong.headers["x-request-id"] == wrong.problem.requestId)
            let head = try await host.client.request("HEAD", "/v1/status")
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
        }
    }

    @Test(arguments: [
        (SpindleError.Code.storeUnavailable, 503), (.storeFull, 507), (.internal, 500), (.configuration, 500),
        (.interrupted, 503), (.plugin, 500),
    ])
    func mapsTheErrorsOfTheStore(_ code: SpindleError.Code, _ status: Int) async throws {
        try await TestHost.run { host in
            host.store.fail(with: SpindleError(code, "Sentence.", details: "secret"))
            let submission = try await host.post("/v1/executions", #"{"type":"script","target":"ok"}"#)
            let batch = try await host.post("/v1/executions", #"{"executions":[{"type":"script","target":"ok"}]}"#)
            let list = try await host.get("/v1/executions")
            for response in [submission, batch, list] {
                #expect(response.status == status)
                #expect(response.problem.code == code.name)
                #expect(response.problem.type == "urn:spindle:problem:\(code.name)")
                #expect(response.problem.detail == "Sentence.")
                #expect(response.headers["retry-after"] == (status == 503 ? "5" : nil))
            }
            #expect(try await host.get("/readyz").status == 503)
            #expect(try await host.get("/healthz").status == 200)
        }
    }

    @Test func aDrainingHostTakesNoWork() async throws {
        try await TestHost.run { host in
            _ = try await host.submit("hold")
            await host.executor.started.wait()
            host.drain.open()
            // The drain begins on another task; the status tells when, and the job holds it until the end of the test.
            while try await !host.get("/v1/status").success(StatusBody.self).isDraining { await Task.yield() }
            let refused = try await host.post("/v1/executions", #"{"type":"script","target":"ok"}"#)
            #expect(refused.status == 503)
            #expect(refused.problem.code == "draining")
            #expect(refused.headers["retry-after"] != nil)
            let ready = try await host.get("/readyz")
            #expect(ready.status == 503)
            #expect(try ready.decode(HealthBody.self).status == "draining")
        }
    }

    @Test func noExecutorIsTold() async throws {
        try await TestHost.run { host in
            for body in [#"{"type":"nobody","target":"x"}"#, #"{"target":"ftp://x"}"#] {
                let response = try await host.post("/v1/executions", body)
                #expect(response.status == 422)
                #expect(response.problem.code == "noExecutor")
                #expect(response.problem.detail.contains("script"))
            }
        }
    }
}
