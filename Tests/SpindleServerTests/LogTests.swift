import SpindleCore
import SpindleEngine
import SpindleServer
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

@Suite struct LogTests {
    private static func line(_ bytes: [UInt8]) throws -> LogLineBody {
        try JSONDecoder().decode(LogLineBody.self, from: Data(bytes))
    }

    @Test func followsUntilTheEnd() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("log")
            await host.executor.started.wait()
            var messages: [String] = []
            for try await bytes in host.client.lines("/v1/executions/\(receipt.shortId)/logs?follow=true") {
                messages.append(try Self.line(bytes).message)
                // The stream is live: the job goes on only once its first lines have come through.
                if messages.count == 3 { host.executor.gate.open() }
            }
            #expect(messages == ["line 1", "line 2", "line 3", "the last line"])
        }
    }

    @Test func givesWhatIsThereFromAnyPlace() async throws {
        try await TestHost.run { host in
            host.executor.gate.open()
            let receipt = try await host.submit("log", wait: true)
            for query in ["", "?follow=true", "?follow", "?follow=false"] {
                var lines: [LogLineBody] = []
                for try await bytes in host.client.lines("/v1/executions/\(receipt.id)/logs\(query)") {
                    lines.append(try Self.line(bytes))
                }
                #expect(lines.map(\.message) == ["line 1", "line 2", "line 3", "the last line"])
                #expect(lines[0].fields == ["n": "1"])
                #expect(lines[3].level == "warning")
                let rest = try await host.get("/v1/executions/\(receipt.id)/logs?after=\(lines[2].sequence)")
                #expect(rest.headers["content-type"] == "application/x-ndjson")
                #expect(String(decoding: rest.bytes, as: UTF8.self).split(separator: "\n").count == 1)
            }
            let none = try await host.get("/v1/executions/\(receipt.id)/logs?after=\(Int64.max)")
            #expect(none.status == 200)
            #expect(none.bytes.isEmpty)
            for query in ["after=-1", "after=x", "after=9223372036854775808", "follow=maybe"] {
                #expect(try await host.get("/v1/executions/\(receipt.id)/logs?\(query)").status == 400)
            }
        }
    }

    @Test func aShutdownEndsTheStreamsAndTheWaits() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("log")
            await host.executor.started.wait()
            async let waited = host.get("/v1/executions/\(receipt.id)/wait?timeout=1h")
            var count = 0
            for try await _ in host.client.lines("/v1/executions/\(receipt.id)/logs?follow=true") {
                count += 1
                if count == 3 { host.stop.open() }
            }
            #expect(count == 3)
            // Depending on whether it came before the shutdown, the wait is refused or never connected.
            if let answer = try? await waited { #expect(answer.status == 503) }
        }
    }

    @Test func aClientThatGoesAwayIsForgotten() async throws {
        try await TestHost.run { host in
            let receipt = try await host.submit("log")
            await host.executor.started.wait()
            for try await _ in host.client.lines("/v1/executions/\(receipt.id)/logs?follow=true") { break }
            // The shutdown of the server waits for open connections: this test ends only if that one was given up.
            host.stop.open()
        }
    }
}
