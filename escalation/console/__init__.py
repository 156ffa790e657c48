"""The page that counsellors, supervisors and admins work in."""
