import SpindleServer
import Testing

/// Whatever comes in, a problem body with status 400 goes out, and the host lives on.
@Suite struct GarbageTests {
    private static let bodies = [
        "", " ", "{", "}", "null", "true", "0", "\"\"", "[]", "[{}]", "{}", "{\"\":1}", "\u{0}", "\u{FEFF}{}", "{\"type\":}",
        "{'type':'script'}", "{\"type\":\"script\",}", "{\"after\":[ , ]}",
        "{\"type\":\"script\"", "{\"type\":1}", "{\"type\":null}",
        "{\"type\":\"\"}", "{\"target\":[]}", "{\"target\":\"\\u0000\"}", "{\"type\":\"script\",\"target\":\"\\ud800\"}",
        "{\"type\":\"script\"}{}", "{\"executions\":{}}", "{\"executions\":null}", "{\"executions\":\"x\"}",
        "NaN", "{\"type\":NaN}", "<xml/>", "type=script&target=ok",
    ]

    /// Members of an otherwise good submission.
    private static let members = [
        "\"traget\":\"x\"", "\"priority\":1e300", "\"priority\":-1e300", "\"priority\":1e999", "\"priority\":NaN",
        "\"priority\":9223372036854775808", "\"priority\":101", "\"priority\":1.5", "\"priority\":\"5\"", "\"priority\":[1]",
        "\"delay\":-1", "\"delay\":1e300", "\"delay\":\"-1s\"", "\"delay\":\"1y\"", "\"delay\":\"\"", "\"delay\":\"366d\"",
        "\"delay\":\"999999999999999999d\"", "\"delay\":{}", "\"delay\":true",
        "\"runAt\":\"soon\"", "\"runAt\":5", "\"runAt\":\"99999-01-01T00:00:00Z\"", "\"startBy\":\"\"",
        "\"id\":\"x\"", "\"id\":7", "\"after\":\"x\"", "\"after\":[7]", "\"after\":[{}]", "\"after\":[{\"id\":\"x\"}]",
        "\"after\":[\"\"]", "\"after\":[\":\"]", "\"after\":[{\"id\":\"abcd\",\"no\":1}]",
        "\"parameters\":[]", "\"parameters\":\"x\"", "\"parameters\":{\"a\":{}}", "\"parameters\":{\"a\":null}",
        "\"parameters\":{\"a\":1e999}", "\"parameters\":{\"\":\"x\"}", "\"parameters\":{\"a b\":\"x\"}",
        "\"parameters\":{\"a\":\"\\u0000\"}",
        "\"payload\":\"x\"", "\"payload\":{}", "\"payload\":{\"text\":\"a\",\"json\":1}", "\"payload\":{\"base64\":\"*\"}",
        "\"payload\":{\"text\":7}", "\"payload\":{\"txet\":\"a\"}", "\"payload\":{\"text\":\"a\",\"contentType\":\"a\\r\\nb\"}",
        "\"policy\":[]", "\"policy\":{\"timeout\":0}", "\"policy\":{\"timeout\":-5}", "\"policy\":{\"timeout\":1e300}",
        "\"policy\":{\"timeout\":\"31d\"}", "\"policy\":{\"timeot\":1}", "\"policy\":{\"onInterrupted\":\"no\"}",
        "\"policy\":{\"concurrencyLimit\":0}", "\"policy\":{\"concurrencyLimit\":1e18}", "\"policy\":{\"retry\":3}",
        "\"policy\":{\"retry\":{\"maxRetries\":-1}}", "\"policy\":{\"retry\":{\"maxRetries\":1001}}",
        "\"policy\":{\"retry\":{\"maxRetries\":2147483648}}", "\"policy\":{\"retry\":{\"maxRetries\":1e300}}",
        "\"policy\":{\"retry\":{\"strategy\":\"exponental\"}}", "\"policy\":{\"retry\":{\"jitter\":2}}",
        "\"policy\":{\"retry\":{\"jitter\":-0.1}}", "\"policy\":{\"retry\":{\"jitter\":\"nan%\"}}",
        "\"policy\":{\"retry\":{\"jitter\":\"inf%\"}}", "\"policy\":{\"retry\":{\"baseDelay\":\"2h\"}}",
        "\"policy\":{\"retry\":{\"maxDelay\":0}}", "\"uniqueKey\":\"\\n\"", "\"uniqueKey\":5", "\"job\":5",
        "\"job\":\"x\"",
    ]

    @Test func everyBrokenBodyIsRefused() async throws {
        try await TestHost.run { host in
            for body in Self.bodies + Self.members.map({ "{\"type\":\"script\",\"target\":\"ok\",\($0)}" }) {
                let response = try await host.post("/v1/executions", body)
                #expect(response.status == 400, "\(body): \(response.problem.detail)")
                #expect(response.problem.code == "invalidRequest", "\(body)")
            }
            let bytes = try await host.client.request("POST", "/v1/executions", body: [0xFF, 0xFE, 0x00, 0x80])
            #expect(bytes.status == 400)
            _ = try await host.submit("ok", wait: true)
        }
    }

    @Test func theMessageNamesTheNearestKey() async throws {
        try await TestHost.run { host in
            for (member, nearest) in [
                ("\"prority\":1", "priority"), ("\"policy\":{\"retry\":{\"maxRetry\":1}}", "maxRetries"),
                ("\"payload\":{\"contentTyp\":1}", "contentType"),
            ] {
                let response = try await host.post("/v1/executions", "{\"type\":\"script\",\(member)}")
                #expect(response.problem.detail.contains("Did you mean \"\(nearest)\"?"))
            }
        }
    }

    @Test func aDeepBodyIsRefusedBeforeItIsRead() async throws {
        try await TestHost.run { host in
            for depth in [65, 100_000] {
                let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                let response = try await host.post("/v1/executions", "{\"payload\":{\"json\":\(nested)}}")
                #expect(response.status == 400)
                #expect(response.problem.detail.contains("64"))
            }
            let text = #"{"type":"script","target":"ok","payload":{"text":"\#(String(repeating: "[\\\"", count: 100))"}}"#
            #expect(try await host.post("/v1/executions", text).status == 201)
        }
    }

    @Test func aBodyHasBounds() async throws {
        try await TestHost.run { host in
            let fourMiB = 4 * 1024 * 1024
            func padded(_ count: Int) -> [UInt8] {
                let json = Array(#"{"type":"script","target":"ok"}"#.utf8)
                return json + [UInt8](repeating: UInt8(ascii: " "), count: count - json.count)
            }
            let fits = try await host.client.request("POST", "/v1/executions", body: padded(fourMiB))
            #expect(fits.status == 201)
            for count in [fourMiB + 1, 4 * fourMiB + 1] {
                let response = try await host.client.request("POST", "/v1/executions", body: padded(count))
                #expect(response.status == 413)
                #expect(response.problem.code == "bodyTooLarge")
            }
            let job = try await host.client.request("PUT", "/v1/jobs/x", body: padded(fourMiB + 1))
            #expect(job.status == 413)
            let length = try await host.client.request("GET", "/v1/status?")
            #expect(length.status == 200)
        }
    }

    @Test func aWaitHasBounds() async throws {
        try await TestHost.run { host in
            for wait in ["-1s", "x", "1e300", "2h", "99999999999999999999"] {
                let response = try await host.post("/v1/executions?wait=\(wait)", #"{"type":"script","target":"ok"}"#)
                #expect(response.status == 400)
            }
        }
    }
}
