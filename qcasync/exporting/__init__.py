"""Tables of live projects as files: Parquet, CSV, lines of JSON.

    async with qcasync.Client() as qc:
        report = await qcasync.exporting.export(qc, project_id, to="exports")

Bounded in memory, resumable, and complete or not at all. It needs pyarrow: `pip install 'qcasync[arrow]'`.
"""

from qcasync.exporting.draft import FOLDER
from qcasync.exporting.export import export
from qcasync.exporting.report import ExportedFile, ExportProgress, ExportReport
from qcasync.exporting.wishes import TABLES, Format, Table

__all__ = ["FOLDER", "TABLES", "ExportProgress", "ExportReport", "ExportedFile", "Format", "Table", "export"]
