using System.ComponentModel;
using System.Net.Sockets;

namespace NsBridge.Base;

/// <summary>What an exception says, in words. The framework's own texts are left out of the native executable (UseSystemResourceKeys):
/// there its messages are keys, such as <c>ErrorStartingProcess, /usr/bin/nsbridge</c>.</summary>
internal static class ErrorText
{
    private const int LargestErrno = 4095;

    public static string Of(Exception exception) => exception switch
    {
        // connect(2) to a UNIX socket that is not there: the framework maps ENOENT to this.
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => "no such file or directory",
        Win32Exception { NativeErrorCode: > 0 and var number } => OfErrno(number),
        UnauthorizedAccessException when IsResourceKey(exception.Message) => "permission denied",
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        PathTooLongException => "the path is too long",
        IOException { HResult: > 0 and <= LargestErrno and var number } => OfErrno(number),
        IOException { InnerException: { } cause } when IsResourceKey(exception.Message) => Of(cause),
        OutOfMemoryException => "out of memory",
        _ => IsResourceKey(exception.Message) ? exception.GetType().Name : exception.Message,
    };

    /// <summary>The C library's text, without the capital that it begins with.</summary>
    private static string OfErrno(int number)
    {
        string text = new Win32Exception(number).Message;
        return char.ToLowerInvariant(text[0]) + text[1..];
    }

    /// <summary>A key is one word of letters, digits and underscores; its arguments follow behind a comma.</summary>
    private static bool IsResourceKey(string message)
    {
        string key = message.Split(", ", 2)[0];
        return key.Length == 0
            || (key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && key.Any(c => char.IsAsciiLetterUpper(c) || c == '_'));
    }
}
