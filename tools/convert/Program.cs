using System.CommandLine;
using ElmMlx.Tools.Convert;

ParseResult result = ConvertCommand.Build().Parse(args);
return result.Errors.Count > 0
    ? ConvertCommand.PrintUsageErrors(result)
    : result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
