# Accounts.

account = Account
    .sign-up = Sign up
    .sign-in = Sign in
    .sign-out = Sign out
    .sign-out-everywhere = Sign out everywhere
    .known = You have an account?
    .unknown = No account yet?
    .forgot = Password forgotten?
    .mail-link = Mail me a link
    .new-password = A new password
    .set-password = Set the password
    .welcome = Welcome. You are signed in.
    .taken = There is an account with this address already.
    .wrong = There is no account with this address and password.
    .mailed = If there is an account with this address, a link is on its way. It can be used for an hour.
    .link-used = This link was used, or is too old: ask for another.
    .password-set = The password is set. Sign in with it.

account-field =
    .email = Mail address
    .name = Name
    .password = Password
    .password-hint = 10 characters or more.

account-mail =
    .subject = Your new password
    .text =
        Set a new password within an hour:

        { $link }

        If you have not asked for one, ignore this mail.
