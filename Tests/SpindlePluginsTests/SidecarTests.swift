import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite struct SidecarTests {
    private func parse(_ text: String) throws -> Sidecar { try Sidecar.parse(Array(text.utf8), file: "http.yaml") }

    private func message(_ text: String) -> String {
        do {
            _ = try parse(text)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func readsEveryKey() throws {
        let sidecar = try parse(
            """
            isolation: in-process
            allowInProcess: true
            Concurrency: 20
            concurrencyPerWorker: 8
            timeout: 30s
            maxTimeout: 5m
            maxRetries: 7
            idleTimeout: 90s
            onInterrupted: fail
            retry: {strategy: Linear, maxRetries: 5, baseDelay: 2s, maxDelay: 1m, jitter: 0.25}
            config: {greeting: Hello, count: 3, ratio: 0.5, on: true, none: null, list: [a, "1"], text: "say \\"hi\\""}
            executors:
              - {type: Greet-Formal, uses: greet, config: {greeting: Good evening}, concurrency: 2}
            types: [greet-formal]
            secrets: [db-password, api.token]
            """
        )
        #expect(sidecar.secrets == ["db-password", "api.token"])
        #expect(sidecar.isolation == .inProcess)
        #expect(sidecar.isInProcessAllowed)
        #expect(sidecar.concurrency == 20)
        #expect(sidecar.concurrencyPerWorker == 8)
        #expect(sidecar.policy.timeout == 30_000_000)
        #expect(sidecar.maxTimeout == 300_000_000)
        #expect(sidecar.maxRetries == 7)
        #expect(sidecar.idleTimeout == 90_000_000)
        #expect(sidecar.policy.onInterrupted == .fail)
        #expect(sidecar.policy.strategy == .linear)
        #expect(sidecar.policy.jitterPermille == 250)
        #expect(
            sidecar.config
                == #"{"greeting":"Hello","count":3,"ratio":0.5,"on":true,"none":null,"list":["a","1"],"text":"say \"hi\""}"#
        )
        #expect(sidecar.executors.first?.type == "greet-formal")
        #expect(sidecar.executors.first?.config == #"{"greeting":"Good evening"}"#)
        #expect(sidecar.types == ["greet-formal"])
    }

    @Test func readsGrants() throws {
        let needs = try parse(
            """
            needs:
              net: [db.example.com:5432, "[2001:db8::1]:443", DB.example.com:5432]
              read: [/srv/data/, /etc/app]
              write: [/srv/out]
              exec: true
              jit: false
              memory: 256MiB
              cpu: 1.5
              pids: 64
              output: 1GiB
            """
        ).needs
        #expect(
            needs.net == .list([.init(host: "db.example.com", port: 5432), .init(host: "2001:db8::1", port: 443)])
        )
        #expect(needs.read == ["/srv/data", "/etc/app"] && needs.write == ["/srv/out"])
        #expect(needs.exec == true && needs.jit == false && needs.memory == 256 << 20 && needs.cpuPermille == 1500)
        #expect(needs.pids == 64 && needs.output == 1 << 30)
        #expect(try parse("needs: {net: none}").needs.net == Grants.Net.none)
        #expect(try parse("needs: {net: any}").needs.net == .any)
        #expect(try parse("isolation: one-shot").isolation == .oneShot)
    }

    @Test func emptyFileSaysNothing() throws { #expect(try parse("") == Sidecar()) }

    @Test(arguments: [
        ("concurency: 3", "http.yaml:1: unknown key \"concurency\"; did you mean \"concurrency\"?"),
        ("\nconcurrency: 0", "http.yaml:2: concurrency: is \"0\"; allowed: a whole number from 1 to 10000."),
        ("concurrency: 99999999999999999999", "a whole number from 1 to 10000"),
        ("concurrency: -1", "a whole number"), ("timeout: soon", "a duration such as"), ("timeout: 1e300", "a duration"),
        ("timeout: 40d", "1ms to 30d"),
        ("isolation: jail", "one of in-process, worker, sandbox, one-shot"),
        ("retry: {jiter: 1}", "did you mean \"jitter\"?"), ("retry: {jitter: 2}", "a share from 0 to 1"),
        ("retry: {jitter: nan}", "a share from 0 to 1"), ("retry: 3", "names and values"), ("config: 3", "names and values"),
        ("enabled: perhaps", "true or false"), ("executors: [{uses: x}]", "each entry needs the type"),
        ("executors: [{type: a}, {type: A}]", "is there twice"), ("types: [\"a b\"]", "a type: letters"),
        ("needs: [net]", "names and values"), ("needs: {nett: any}", "did you mean \"net\"?"),
        ("needs: {net: all}", "none, any, or a list of HOST:PORT"), ("needs: {net: [example.com]}", "a list of HOST:PORT"),
        ("needs: {net: [\"a b:1\"]}", "HOST:PORT"), ("needs: {net: [\"a:0\"]}", "HOST:PORT"),
        ("needs: {net: [\"a:65536\"]}", "HOST:PORT"),
        ("needs: {read: [data]}", "a list of absolute paths"), ("needs: {read: [/data/../etc]}", "a list of absolute paths"),
        ("needs: {write: [/etc]}", "none of them of the system itself"),
        ("needs: {write: [/proc/1]}", "none of them of the system itself"),
        ("needs: {read: [/]}", "a list of absolute paths"), ("needs: {memory: 1MiB}", "from 16MiB to 16TiB"),
        ("needs: {memory: 99999999TiB}", "a size such as"), ("needs: {cpu: nan}", "a number of processors"),
        ("needs: {cpu: 0}", "a number of processors"), ("needs: {pids: 1}", "a whole number from 8 to 32768"),
        ("needs: {output: -1}", "a size such as"), ("needs: {exec: maybe}", "true or false"),
        ("secrets: [../x]", "the name of a secret"),
        ("secrets: x", "a list of at most 1024"),
        ("- a", "names and values"),
        ("timeout: 1s\nTimeout: 2s", "http.yaml:2: timeout is given twice."),
        ("a: [", "http.yaml:2: it is not YAML: did not find"), ("x: &a [*a]", "it is not YAML"),
        ("timeout: 1s\ntimeout: 2s", "http.yaml:1: \"timeout\" is given twice."),
        ("abracadabra: 1", "http.yaml:1: unknown key \"abracadabra\"; known here: enabled, isolation"),
    ])
    func refuses(text: String, expected: String) {
        let message = message(text)
        #expect(message.contains(expected), "\(message)")
    }

    /// 600 bytes of these kept the host busy for ever: the parser reads the whole key to look for duplicates.
    @Test func refusesWhatGrowsWithoutBound() {
        let doubling = (1...25).map { "  a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        #expect(message("config:\n  a0: &a0 [x]\n\(doubling)  ? *a25\n  : 1\n").contains("more than 8 aliases"))
        let keys = "config: " + String(repeating: "{? #}\n ", count: 900) + "a" + String(repeating: "}", count: 900)
        #expect(message(keys).contains("keys that begin with"))
    }

    @Test func namesInAConfigurationAreText() {
        #expect(message("config:\n  ? [a]\n  : 1").contains("http.yaml:2: a name in the configuration is not text"))
        #expect(message("config: {1: a, \"1\": b}").contains("\"1\" is given twice"))
    }

    @Test func refusesWhatIsTooLargeOrTooDeepOrNotText() {
        #expect(message(String(repeating: "#", count: 70_000)).contains("at most 65536"))
        let deep = "config: " + String(repeating: "{a: ", count: 40) + "1" + String(repeating: "}", count: 40)
        #expect(message(deep).contains("nested too deep"))
        // A comment deceives the check before the parser.
        let commented = "config: " + String(repeating: "{ #}\n a: ", count: 40) + "1" + String(repeating: "}", count: 40)
        #expect(message(commented).contains("nested deeper"))
        #expect(throws: SpindleError.self) { try Sidecar.parse([0xFF, 0xFE, 0x00], file: "x.yaml") }
    }
}
