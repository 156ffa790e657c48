"""The one truth: schema, migrations, the writer, encryption. SQL is seen only here and in escalation.repo."""
