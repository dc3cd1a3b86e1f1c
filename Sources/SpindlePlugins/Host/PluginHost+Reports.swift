import SpindleCore

extension PluginHost {
    /// How the executors of a plugin do at the moment; those that run in the host itself have nothing to tell.
    ///
    /// - Parameter name: Of its file, with or without `.so`.
    public func reports(of name: String) async -> [ExecutorReport] {
        let plugin = name.hasSuffix(".so") ? String(name.dropLast(3)) : name
        var reports: [ExecutorReport] = []
        for case let executor as PluginExecutor in executors where executor.descriptor.plugin == plugin {
            if let report = await executor.report() { reports.append(report) }
        }
        return reports
    }
}
