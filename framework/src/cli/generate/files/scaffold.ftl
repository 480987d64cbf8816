# @Labels@.

@many@ = @Labels@
    .numbered = @Labels@, page { $number }
    .none = There are no @labels@ yet.
    .all = All @labels@

@one@ = @Label@
    .new = New @label@
    .edit = Edit @label@
    .delete = Delete @label@
    .save = Save
    .created = The @label@ is saved.
    .changed = The @label@ is changed.
    .deleted = The @label@ is deleted.

@one@-field =
@texts@
